"""What removals take away where tokens were renewed since, or where an application holds several connections."""

import pytest

from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.identity import Evidence, Link
from cobalt_mirror.workers.handlers.removals import is_moot, plan_removals, taken_ids
from tests.unit.entries import authorized, changed, removed
from tests.unit.handlers.links import link, moment, stamp
from tests.unit.handlers.test_removals import ANEW, KEY, NEW, OLD, assert_is, done

#: Two connections of an application that holds several; the first one renewed; one that was opened later.
ONE, TWO = link(0, connection_id="c1"), link(0, connection_id="c2")
ONE_RENEWED, THREE = link(5, connection_id="c1"), link(6, connection_id="c3")
#: The account's answer: the application was connected long ago.
LONG_AGO = Evidence(is_account_read=True, created_at=moment(-60))

#: Removals, what is connected, the evidence; what leaves, what each removal takes, and which are total.
IDENTITIES = [
    pytest.param([removed("a", 1)], [NEW], LONG_AGO, [NEW], {"a": [NEW]}, "a", id="only its token was renewed"),
    pytest.param([removed("a", 1)], [NEW], Evidence(), [NEW], {"a": [NEW]}, "a", id="nothing tells any more"),
    pytest.param(
        [removed("a", 1), removed("b", 2)],
        [NEW],
        LONG_AGO,
        [NEW],
        {"a": [NEW], "b": []},
        "ab",
        id="renewed after two removals: the first takes it",
    ),
    pytest.param(
        [removed("a", 1, meant_for=stamp(OLD))], [KEY, NEW], LONG_AGO, [KEY, NEW], {"a": [KEY, NEW]}, "a", id="renewed"
    ),
    pytest.param(
        [removed("a", 1, meant_for=stamp(OLD))],
        [NEW, link(5, "keybased")],
        LONG_AGO,
        [NEW],
        {"a": [NEW]},
        "",
        id="renewed, and another auth type is newer",
    ),
    pytest.param([removed("a", 1)], [ONE, TWO], ANEW, [ONE, TWO], {"a": [ONE, TWO]}, "a", id="all connections"),
    pytest.param(
        [removed("a", 1, connection_id="c2")], [ONE, TWO], ANEW, [TWO], {"a": [TWO]}, "", id="one of the connections"
    ),
    pytest.param(
        [removed("a", 1, connection_id="c1"), removed("b", 2, connection_id="c2")],
        [ONE, TWO],
        ANEW,
        [ONE, TWO],
        {"a": [ONE], "b": [TWO]},
        "b",
        id="one connection after the other",
    ),
    pytest.param(
        [removed("a", 1, meant_for=stamp(ONE, TWO))],
        [ONE_RENEWED, TWO, THREE],
        ANEW,
        [ONE_RENEWED, TWO],
        {"a": [ONE_RENEWED, TWO]},
        "",
        id="all that there were, one of them renewed; another one is newer",
    ),
    pytest.param(
        [removed("a", 1, meant_for=stamp(ONE)), done("b", 7, THREE)],
        [ONE_RENEWED],
        ANEW,
        [ONE_RENEWED],
        {"a": [ONE_RENEWED], "b": [THREE]},
        "b",
        id="late: the done one took a later connection",
    ),
    pytest.param(
        [removed("a", 1, auth_type="oauth2")],
        [ONE, link(0, "keybased", "c4")],
        ANEW,
        [ONE],
        {"a": [ONE]},
        "",
        id="all connections of an auth type",
    ),
]


@pytest.mark.parametrize(("removals", "connected", "evidence", "leaving", "taken", "totals"), IDENTITIES)
def test_removals_are_planned_by_identity(
    *,
    removals: list[Entry],
    connected: list[Link],
    evidence: Evidence,
    leaving: list[Link],
    taken: dict[str, list[Link]],
    totals: str,
) -> None:
    pending = [each for each in removals if each.logged.status == "pending"]
    plan = plan_removals(pending, [each for each in removals if each not in pending], connected, evidence)

    assert_is(plan, connected, leaving=leaving, taken=taken, totals=totals)


def test_what_a_removal_took_is_told_by_ids_as_of_now() -> None:
    first, second = done("a", 1, ONE, OLD), done("b", 2, TWO)
    now = {second.logged.key: {"disconnected": stamp(ONE, THREE)}}

    assert taken_ids([first, second, removed("c", 3)], {}) == [(first, "c1"), (second, "c2")]
    assert taken_ids([first, second], now) == [(first, "c1"), (second, "c1"), (second, "c3")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(authorized("a", 1, connection_id="c1"), True, id="it names what was taken later"),
        pytest.param(changed("a", 1, {"connection_id": "c1"}), True, id="a change names what was taken later"),
        pytest.param(authorized("a", 1, connection_id="c2"), False, id="it names another one"),
        pytest.param(authorized("a", 1), False, id="it names none"),
        pytest.param(authorized("a", 3, connection_id="c1"), False, id="it names what was taken before"),
        pytest.param(authorized("q", 2, connection_id="c1"), True, id="in the same moment, with a lower id"),
        pytest.param(authorized("s", 2, connection_id="c1"), False, id="in the same moment, with a higher id"),
    ],
)
def test_an_event_is_moot_if_what_it_names_was_taken_later(entry: Entry, expected: bool) -> None:
    assert is_moot(entry, taken=[(done("r", 2, ONE), "c1")]) is expected
    assert not is_moot(entry, taken=[])
