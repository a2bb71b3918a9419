"""Which of a subject's events are carried out together, and which can be read at all."""

import pytest
from cryptography.fernet import Fernet

from cobalt_mirror.db.generations import Generation
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.handlers.load import by_generation, read_events, until_alone
from cobalt_mirror.workers.outcomes import Verdict
from tests.unit.entries import logged
from tests.unit.handlers.subjects import receipt

SIGN_UP, DELETION, CHANGE = EventType.USER_SIGNED_UP, EventType.USER_DELETED, EventType.CONFIG_CHANGED


def rows(text: str) -> list[LoggedEvent]:
    """Sign-ups `s` and deletions `d`, oldest first; a capital letter: it is tried alone."""
    types = {"s": SIGN_UP, "d": DELETION}
    return [
        logged(types[letter.lower()], f"e{number}", number, alone=letter.isupper())
        for number, letter in enumerate(text)
    ]


#: The events, and how many of them are carried out together.
TOGETHER = [
    pytest.param("", 0, id="none"),
    pytest.param("s", 1, id="one"),
    pytest.param("sss", 3, id="none is tried alone"),
    pytest.param("S", 1, id="the only one is tried alone"),
    pytest.param("Sss", 1, id="the first is tried alone"),
    pytest.param("sSs", 1, id="the second is tried alone: what is before it comes first"),
    pytest.param("ssS", 2, id="the last is tried alone"),
    pytest.param("SSS", 1, id="all are tried alone"),
    pytest.param("ssSsS", 2, id="the first of two that are tried alone counts"),
    pytest.param("d", 1, id="a deletion"),
    pytest.param("D", 1, id="a deletion that is tried alone"),
    pytest.param("Sd", 2, id="a deletion does not wait for what is before it"),
    pytest.param("SSd", 3, id="nor for several"),
    pytest.param("SSds", 4, id="nor does what is after the deletion"),
    pytest.param("SdS", 2, id="what is tried alone after the deletion waits for it"),
    pytest.param("SdsS", 3, id="and what is between comes first"),
    pytest.param("dSs", 1, id="after a deletion, the first is tried alone"),
    pytest.param("SdSdS", 4, id="the last of two deletions counts"),
]


@pytest.mark.parametrize(("events", "together"), TOGETHER)
def test_what_was_refused_together_is_tried_alone(events: str, together: int) -> None:
    assert until_alone(rows(events)) == rows(events)[:together]


# --- generations ------------------------------------------------------------------------------------------------------


def test_events_of_an_account_that_was_never_deleted_are_all_of_its_present_generation() -> None:
    assert by_generation(rows("sds"), None) == (rows("sds"), [])
    assert by_generation([], None) == ([], [])


#: When the account was deleted, and which of three events, at 0, 1 and 2, are over.
ENDED = [
    pytest.param(-1, "", id="before the first"),
    pytest.param(0, "a", id="in the moment of the first"),
    pytest.param(0.5, "a", id="after the first"),
    pytest.param(1, "ab", id="in the moment of the second"),
    pytest.param(2, "abc", id="in the moment of the last"),
    pytest.param(3, "abc", id="after the last"),
]


@pytest.mark.parametrize(("deleted_at", "over"), ENDED)
def test_events_are_divided_by_the_generation_that_they_are_of(deleted_at: float, over: str) -> None:
    events = [logged(SIGN_UP, id_, second) for second, id_ in enumerate("abc")]
    present, ended = by_generation(events, Generation(deletion=receipt(deleted_at), begun=None))

    assert [row.id for row in ended] == list(over)
    assert present == events[len(over) :]


# --- reading ----------------------------------------------------------------------------------------------------------

KEY = Vault((Fernet.generate_key(),))
NO_KEYS = Vault(())
SEALED = {"sealed": KEY.seal({"auth_credentials": {"token": "t"}})}


def waiting(id_: str, second: float, *, sealed: bool = False, broken: bool = False, alone: bool = False) -> LoggedEvent:
    payload = SEALED if sealed else {"name": 7} if broken else {}
    return logged(SIGN_UP, id_, second, payload=payload, alone=alone)


def done(id_: str, second: float, *, sealed: bool = False, broken: bool = False, status: str = "done") -> LoggedEvent:
    payload = SEALED if sealed else {"name": 7} if broken else {}
    return logged(SIGN_UP, id_, second, payload=payload, status=status)


#: The rows, oldest first; those that wait, those that ended, those that cannot be read, and whether that is all.
READ = [
    pytest.param([], "", "", {}, True, id="none"),
    pytest.param([waiting("a", 1)], "a", "", {}, True, id="one that waits"),
    pytest.param([done("a", 1)], "", "", {}, True, id="none that waits"),
    pytest.param([done("a", 1), waiting("b", 2)], "b", "", {}, True, id="an older one that is done is left out"),
    pytest.param([waiting("a", 1), done("b", 2)], "a", "b", {}, True, id="a later one that is done"),
    pytest.param([waiting("a", 1), done("b", 1)], "a", "b", {}, True, id="done in the same moment, with a higher id"),
    pytest.param([done("a", 1), waiting("b", 1)], "b", "", {}, True, id="done in the same moment, with a lower id"),
    pytest.param([waiting("a", 1), done("b", 2, status="dead")], "a", "b", {}, True, id="a later one that is dead"),
    pytest.param(
        [waiting("a", 1), done("b", 2), waiting("c", 3)], "ac", "b", {}, True, id="one is done between two that wait"
    ),
    pytest.param(
        [waiting("a", 1), waiting("b", 2, alone=True)], "a", "", {}, False, id="one waits for another attempt"
    ),
    pytest.param([waiting("a", 1, alone=True)], "a", "", {}, True, id="the only one is tried alone"),
    pytest.param([waiting("a", 1, broken=True)], "", "", {"a": Verdict.DEAD}, True, id="one that breaks a rule"),
    pytest.param(
        [waiting("a", 1, broken=True), waiting("b", 2)], "b", "", {"a": Verdict.DEAD}, True, id="it stops no other one"
    ),
    pytest.param([waiting("a", 1, sealed=True)], "", "", {"a": Verdict.RETRY}, True, id="one that is sealed"),
    pytest.param(
        [waiting("a", 1, sealed=True), waiting("b", 2)],
        "b",
        "",
        {"a": Verdict.RETRY},
        True,
        id="that stops none either",
    ),
    pytest.param(
        [waiting("a", 1), done("b", 2, sealed=True)],
        "",
        "",
        {"a": Verdict.RETRY},
        True,
        id="a later one that is sealed stops all that waits",
    ),
    pytest.param(
        [waiting("a", 1), waiting("b", 2, broken=True), done("c", 3, sealed=True), done("d", 4)],
        "",
        "d",
        {"a": Verdict.RETRY, "b": Verdict.DEAD},
        True,
        id="and leaves what is dead dead",
    ),
    pytest.param(
        [done("a", 1, sealed=True), waiting("b", 2)], "b", "", {}, True, id="an older one that is sealed stops nothing"
    ),
    pytest.param(
        [waiting("a", 1), done("b", 2, broken=True)], "a", "", {}, True, id="a later one that breaks a rule set nothing"
    ),
]


@pytest.mark.parametrize(("events", "pending", "ended", "unreadable", "is_all"), READ)
def test_events_are_read_as_far_as_they_can_be(
    events: list[LoggedEvent], pending: str, ended: str, unreadable: dict[str, Verdict], is_all: bool
) -> None:
    read = read_events(events, NO_KEYS)

    assert [entry.logged.id for entry in read.pending] == list(pending)
    assert [entry.logged.id for entry in read.ended] == list(ended)
    assert {row.id: outcome.verdict for row, outcome in read.unreadable} == unreadable
    assert read.is_all is is_all
    assert {outcome.move for _, outcome in read.unreadable} <= {Move.OPERATOR}
    assert all(outcome.detail for _, outcome in read.unreadable)


def test_what_is_sealed_is_read_with_its_key() -> None:
    read = read_events([waiting("a", 1, sealed=True), done("b", 2, sealed=True)], KEY)

    assert [entry.event.payload() for entry in read.pending] == [{"auth_credentials": {"token": "t"}}]
    assert [entry.logged.status for entry in read.ended] == [EventStatus.DONE]
    assert read.unreadable == []
