"""What the removals and changes of configs come to: which removal counts, what is moot, and what is done after it."""

from dataclasses import replace
from typing import Any

import pytest

from cobalt_mirror.db.log import Order
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events import ConfigChanged
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.config_plans import ConfigPlan, may_create, plan_configs
from tests.unit.entries import ACCOUNT, authorized, changed, config_removed, removed

CONTENT = {"fields": {"x": 1}}


def change(id_: str, second: float, **columns: Any) -> Entry:
    return changed(id_, second, CONTENT, **columns)


def done(entry: Entry) -> Entry:
    """The same event, done."""
    return replace(entry, logged=replace(entry.logged, status=EventStatus.DONE))


def place(second: float, id_: str = "z") -> Order:
    return change(id_, second).order


def plain(plan: ConfigPlan) -> tuple[str, str, str, str, bool]:
    """The removal, what is moot, what is carried out, what stays set, and whether it is made anew."""

    def ids(entries: Any) -> str:
        return "".join(entry.logged.id for entry in entries)

    removal = "" if plan.removal is None else plan.removal.logged.id
    return removal, ids(plan.moot), ids(plan.changes), ids(plan.later), plan.must_exist


D, C, E = config_removed("d", 5), change, changed

#: What waits, what is done, when else it was made, when all configs were deleted with the connection; the plan.
PLANS = [
    pytest.param([C("a", 1)], [], [], None, ("", "", "a", "", False), id="one change"),
    pytest.param([D], [], [], None, ("d", "", "", "", False), id="one removal"),
    pytest.param([C("a", 4), D], [], [], None, ("d", "a", "", "", False), id="a change before the removal is moot"),
    pytest.param([E("a", 4), D], [], [], None, ("d", "a", "", "", False), id="so is an empty one"),
    pytest.param([D, C("e", 6)], [], [], None, ("d", "", "e", "", False), id="a change after it is carried out"),
    pytest.param([C("c", 5), D], [], [], None, ("d", "c", "", "", False), id="in one moment, and before it"),
    pytest.param([D, C("e", 5)], [], [], None, ("d", "", "e", "", False), id="in one moment, and after it"),
    pytest.param(
        [config_removed("a", 1), C("b", 2), D], [], [], None, ("d", "ab", "", "", False), id="the last of two counts"
    ),
    # a removal that comes late
    pytest.param([D], [C("e", 6, status="done")], [], None, ("d", "", "e", "", False), id="late: a newer change again"),
    pytest.param([D], [C("c", 4, status="done")], [], None, ("d", "", "", "", False), id="late: an older one is not"),
    pytest.param([D], [E("e", 6, status="done")], [], None, ("d", "", "", "", False), id="late: nor an empty one"),
    pytest.param([D], [], [place(6)], None, ("d", "", "", "", True), id="late: an authorisation made it since"),
    pytest.param([D], [], [place(5, "e")], None, ("d", "", "", "", True), id="late: in one moment, since"),
    pytest.param([D], [], [place(5, "c")], None, ("d", "", "", "", False), id="late: in one moment, before"),
    pytest.param([D], [], [place(4)], None, ("d", "", "", "", False), id="late: an authorisation made it before"),
    pytest.param(
        [D, C("e", 8)],
        [C("f", 6, status="done")],
        [],
        None,
        ("d", "", "fe", "", False),
        id="late: newer changes in their order, done or not",
    ),
    pytest.param([D], [done(config_removed("e", 6))], [], None, ("", "d", "", "", False), id="late: a newer removal"),
    pytest.param(
        [D],
        [done(config_removed("a", 1)), C("c", 4, status="done")],
        [],
        None,
        ("d", "", "", "", False),
        id="late: an older removal is done",
    ),
    # a change that comes late
    pytest.param([C("c", 4)], [done(D)], [], None, ("", "c", "", "", False), id="a removal is done since"),
    pytest.param([C("e", 6)], [done(D)], [], None, ("", "", "e", "", False), id="a removal is done before"),
    pytest.param(
        [C("a", 1)], [C("b", 2, status="done")], [], None, ("", "", "a", "b", False), id="a later change is done"
    ),
    pytest.param([C("a", 1)], [], [place(6)], None, ("", "", "a", "", False), id="what is there is not made anew"),
    # all configs went with the connection
    pytest.param([C("e", 6)], [], [], place(3), ("", "", "e", "", False), id="gone: a change after that"),
    pytest.param(
        [],
        [C("b", 2, status="done"), C("e", 6, status="done")],
        [],
        place(3),
        ("", "", "e", "", False),
        id="gone: done",
    ),
    pytest.param(
        [],
        [done(D), C("c", 4, status="done"), C("e", 6, status="done")],
        [],
        place(3),
        ("", "", "e", "", False),
        id="gone: what was removed since stays removed",
    ),
    pytest.param([], [], [place(6)], place(3), ("", "", "", "", True), id="gone: a refused change had made it"),
    pytest.param([], [], [place(2)], place(3), ("", "", "", "", False), id="gone: it was made before"),
    pytest.param([], [done(D)], [place(4)], place(3), ("", "", "", "", False), id="gone: made, and removed since"),
    pytest.param([], [done(D)], [place(6)], place(7), ("", "", "", "", False), id="gone: made, and gone since"),
]


@pytest.mark.parametrize(("pending", "ended", "made", "deleted_at", "expected"), PLANS)
def test_the_order_of_events_decides_what_becomes_of_a_config(
    *, pending: list[Entry], ended: list[Entry], made: list[Order], deleted_at: Order | None, expected: Any
) -> None:
    key = ConfigKey(ACCOUNT)
    (plan,) = plan_configs(pending, ended, [(order, key) for order in made], account=ACCOUNT, deleted_at=deleted_at)

    assert plan.key == key
    assert plain(plan) == expected


def test_each_config_has_its_own_plan() -> None:
    two = config_removed("b", 2, {"config_id": "two"})
    entries = [change("a", 1), two, config_removed("c", 3, {"connection_id": "c1"})]
    plans = plan_configs(entries, [], [], account=ACCOUNT)

    assert [(plan.key, *plain(plan)[:3]) for plan in plans] == [
        (ConfigKey(ACCOUNT), "", "", "a"),
        (ConfigKey("two"), "b", "", ""),
        (ConfigKey(ACCOUNT, "c1"), "c", "", ""),
    ]


def test_what_is_done_is_left_alone_unless_it_was_removed_or_deleted() -> None:
    entries = [change("a", 1, status="done")]

    assert plan_configs([], entries, [(place(6), ConfigKey(ACCOUNT))], account=ACCOUNT) == []
    assert plan_configs([], [], [], account=ACCOUNT, deleted_at=place(1)) == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (authorized("a"), True),
        (change("a", 1), True),
        (changed("a", 1), False),
        (changed("a", 1, {"workflows": [{"id": "w"}]}), False),
        (changed("a", 1, {"workflows": [{"id": "w", "enabled": False}]}), True),
        (changed("a", 1, {"fields": {"x": None}}), True),
        (config_removed("a"), False),
        (removed("a"), False),
    ],
)
def test_only_authorisations_and_changes_with_content_may_create(entry: Entry, expected: bool) -> None:
    assert may_create(entry) is expected
    if isinstance(entry.event, ConfigChanged):
        (plan,) = plan_configs([entry], [], [], account=ACCOUNT)
        assert plan.creates is expected
