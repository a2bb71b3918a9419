"""What several removals of one connection take away, as if all had come in order."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import ConnectedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.identity import Evidence, Link, link_of
from cobalt_mirror.workers.handlers.removals import RemovalPlan, plan_removals, was_total
from tests.unit.entries import at, removed
from tests.unit.handlers.links import link, moment, stamp


def done(id_: str, second: float, *taken: Link, auth_type: str | None = None) -> Entry:
    """A removal that is done and took this away."""
    effect = {"total": False, "disconnected": stamp(*taken)}
    return removed(id_, second, auth_type=auth_type, status="done", effect=effect)


OLD, KEY, NEW = link(0), link(0, "keybased"), link(5)
#: The account's answer: the application was connected anew five seconds after noon.
ANEW = Evidence(is_account_read=True, created_at=moment(5))

#: Removals that wait or are done, what is connected; what leaves, what each removal takes, and which are total.
ROWS = [
    pytest.param([], [], [], {}, "", id="nothing at all"),
    pytest.param([], [OLD], [], {}, "", id="no removal"),
    pytest.param([removed("a", 1)], [], [], {"a": []}, "a", id="nothing is connected"),
    pytest.param([removed("a", 1)], [OLD], [OLD], {"a": [OLD]}, "a", id="one takes the only one"),
    pytest.param([removed("a", 1)], [OLD, KEY], [OLD, KEY], {"a": [OLD, KEY]}, "a", id="one takes all"),
    pytest.param([removed("a", 1)], [NEW], [], {"a": []}, "", id="a newer one stays"),
    pytest.param([removed("a", 1)], [KEY, NEW], [KEY], {"a": [KEY]}, "", id="one goes, a newer one stays"),
    pytest.param([removed("a", 1)], [NEW, KEY], [KEY], {"a": [KEY]}, "", id="the newer one first in the list"),
    pytest.param(
        [removed("a", 1, meant_for=stamp(NEW))], [NEW], [NEW], {"a": [NEW]}, "a", id="a newer one that was shown"
    ),
    pytest.param([removed("a", 0)], [OLD], [OLD], {"a": [OLD]}, "a", id="connected in the same moment"),
    pytest.param([removed("a", -1)], [OLD], [], {"a": []}, "", id="removed before it was connected"),
    pytest.param([removed("a", 1)], [OLD, OLD], [OLD], {"a": [OLD]}, "a", id="the same one shown twice goes once"),
    pytest.param([removed("a", 1)], [link(None)], [link(None)], {"a": [link(None)]}, "a", id="no time is known"),
    # one auth type
    pytest.param(
        [removed("a", 1, auth_type="oauth2")], [OLD, KEY], [OLD], {"a": [OLD]}, "", id="one of two auth types"
    ),
    pytest.param(
        [removed("a", 1, auth_type="oauth2")], [OLD], [OLD], {"a": [OLD]}, "a", id="the only auth type there is"
    ),
    pytest.param(
        [removed("a", 1, auth_type="basic")], [OLD], [], {"a": []}, "", id="an auth type that is not connected"
    ),
    pytest.param(
        [removed("a", 1, auth_type="oauth2"), removed("b", 2, auth_type="keybased")],
        [OLD, KEY],
        [OLD, KEY],
        {"a": [OLD], "b": [KEY]},
        "b",
        id="two auth types, one after the other: only the last is total",
    ),
    pytest.param(
        [removed("a", 1, auth_type="oauth2"), removed("b", 2, auth_type="oauth2")],
        [OLD, KEY],
        [OLD],
        {"a": [OLD], "b": []},
        "",
        id="one auth type twice",
    ),
    pytest.param(
        [removed("a", 1, auth_type="oauth2"), removed("b", 2)],
        [OLD, KEY],
        [OLD, KEY],
        {"a": [OLD], "b": [KEY]},
        "b",
        id="first one auth type, then what is left",
    ),
    # several
    pytest.param(
        [removed("a", 1), removed("b", 2)], [OLD], [OLD], {"a": [OLD], "b": []}, "ab", id="the first takes it"
    ),
    pytest.param(
        [removed("a", 1), removed("b", 6)],
        [NEW],
        [NEW],
        {"a": [], "b": [NEW]},
        "b",
        id="connected between two removals",
    ),
    pytest.param(
        [removed("a", 1), removed("b", 6)],
        [OLD, NEW],
        [OLD, NEW],
        {"a": [OLD], "b": [NEW]},
        "b",
        id="one for each of two removals",
    ),
    pytest.param(
        [removed("b", 1), removed("a", 1)],
        [OLD],
        [OLD],
        {"a": [OLD], "b": []},
        "ab",
        id="in one moment, the lower id is the first",
    ),
    # others are done
    pytest.param([removed("b", 2), done("a", 1)], [OLD], [OLD], {"a": [], "b": [OLD]}, "b", id="done before it"),
    pytest.param(
        [removed("a", 1), done("b", 2, OLD)], [], [], {"a": [OLD], "b": [OLD]}, "ab", id="late: it took the same one"
    ),
    pytest.param(
        [removed("a", 1), done("b", 6, NEW)],
        [],
        [],
        {"a": [], "b": [NEW]},
        "b",
        id="late: the done one took what was connected after",
    ),
    pytest.param(
        [removed("a", 1, auth_type="keybased"), done("b", 6, NEW, auth_type="oauth2")],
        [KEY],
        [KEY],
        {"a": [KEY], "b": [NEW]},
        "b",
        id="late: it makes the done one total",
    ),
    pytest.param(
        [removed("a", 1, auth_type="keybased"), done("b", 2, OLD, auth_type="oauth2")],
        [KEY, NEW],
        [KEY],
        {"a": [KEY], "b": [OLD]},
        "",
        id="late: what is newer than both stays",
    ),
    pytest.param(
        [removed("a", 1), removed("c", 6), done("b", 2, KEY)],
        [OLD, NEW],
        [OLD, NEW],
        {"a": [OLD, KEY], "b": [KEY], "c": [NEW]},
        "c",
        id="one is done between two that wait",
    ),
    pytest.param(
        [removed("a", 1), done("b", 2, OLD), done("c", 6, NEW)],
        [],
        [],
        {"a": [OLD], "b": [OLD], "c": [NEW]},
        "c",
        id="two are done after it",
    ),
    pytest.param(
        [removed("a", 1), removed("b", 2, status="done")],
        [OLD],
        [OLD],
        {"a": [OLD], "b": []},
        "ab",
        id="of a done one nothing is kept",
    ),
    pytest.param(
        [removed("a", 1), removed("b", 2, status="done", effect={"total": True})],
        [OLD],
        [OLD],
        {"a": [OLD], "b": []},
        "ab",
        id="of a done one it is not kept what it took",
    ),
]


@pytest.mark.parametrize(("removals", "connected", "leaving", "taken", "totals"), ROWS)
def test_removals_are_planned_as_if_all_had_come_in_order(
    removals: list[Entry],
    connected: list[Link],
    leaving: list[Link],
    taken: dict[str, list[Link]],
    totals: str,
) -> None:
    pending = [each for each in removals if each.logged.status == "pending"]
    plan = plan_removals(pending, [each for each in removals if each not in pending], connected, ANEW)

    assert_is(plan, connected, leaving=leaving, taken=taken, totals=totals)


def assert_is(
    plan: RemovalPlan, connected: list[Link], *, leaving: list[Link], taken: dict[str, list[Link]], totals: str
) -> None:
    assert plan.leaving == leaving
    assert plan.remaining == [each for each in connected if each not in leaving]
    assert plan.taken == {("host", id_): links for id_, links in taken.items()}
    assert sorted(id_ for (_, id_), total in plan.totals.items() if total) == list(totals)
    assert plan.totals.keys() == plan.taken.keys()
    assert (None if plan.last_total is None else plan.last_total.logged.id) == (totals[-1] if totals else None)


def test_the_effect_of_a_removal_is_kept_in_the_form_in_which_it_is_read_again() -> None:
    first, second = removed("a", 1, auth_type="oauth2"), removed("b", 2)
    effects = plan_removals([first, second], [], [OLD, link(None, "keybased")], ANEW).effects()

    assert effects == {
        ("host", "a"): {
            "total": False,
            "disconnected": [{"auth_type": "oauth2", "connected_at": "2026-01-31T12:00:00.000000Z"}],
        },
        ("host", "b"): {"total": True, "disconnected": [{"auth_type": "keybased", "connected_at": None}]},
    }
    again = [removed(each.logged.id, 1, status="done", effect=effects[each.logged.key]) for each in (first, second)]
    late = plan_removals([removed("0", 0.5)], again, [], ANEW)
    assert late.taken[("host", "a")] == [OLD]
    assert late.taken[("host", "b")] == [link(None, "keybased")]


def test_a_plan_of_nothing_has_no_effect() -> None:
    assert RemovalPlan(leaving=[], remaining=[], taken={}, totals={}, last_total=None).effects() == {}


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        pytest.param(None, False, id="nothing is kept"),
        pytest.param({}, False, id="nothing is kept of it"),
        pytest.param({"disconnected": []}, False, id="not whether it was"),
        pytest.param({"total": False}, False, id="it was not"),
        pytest.param({"total": True}, True, id="it was"),
    ],
)
def test_a_done_removal_was_total_if_its_row_says_so(effect: dict[str, Any] | None, expected: bool) -> None:
    assert was_total(removed("a", 1, status="done", effect=effect)) is expected


def test_a_link_has_the_time_in_the_mirrors_form() -> None:
    account = ConnectedAccount(auth_type="oauth2", connected_at=at(1.5))
    assert link_of(account) == Link("oauth2", "2026-01-31T12:00:01.500000Z")
    assert link_of(ConnectedAccount(auth_type="oauth2")) == Link("oauth2", None)
    assert link_of(ConnectedAccount(auth_type="oauth2", connected_at=at(0))).connected_at == stored_time(at(0))
    assert link_of(account.model_copy(update={"connection_id": "c1"})) == link(1.5, connection_id="c1")
