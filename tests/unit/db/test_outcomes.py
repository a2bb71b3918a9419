"""What is left of the payload of an event that ended: everything but credentials."""

from typing import Any

import pytest

from cobalt_mirror.db import outcomes
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EventType
from tests.unit.entries import NOON, logged

LOGIN = {"auth_credentials": {"token": "t"}}
#: The event's type, its payload, and what replaces that at the end; None: it stays.
ROWS = [
    pytest.param(EventType.USER_SIGNED_UP, {}, None, id="an empty sign-up"),
    pytest.param(EventType.USER_SIGNED_UP, {"name": "Acme"}, None, id="a sign-up without credentials"),
    pytest.param(EventType.USER_SIGNED_UP, LOGIN, {"had_credentials": True}, id="nothing but credentials"),
    pytest.param(
        EventType.USER_SIGNED_UP,
        {"name": "Acme", **LOGIN},
        {"name": "Acme", "had_credentials": True},
        id="credentials and a name",
    ),
    pytest.param(
        EventType.USER_SIGNED_UP,
        {"name": "Acme", "sealed": "x"},
        {"name": "Acme", "had_credentials": True},
        id="sealed credentials",
    ),
    pytest.param(
        EventType.USER_SIGNED_UP, {"sealed": "x", **LOGIN}, {"had_credentials": True}, id="both sealed and readable"
    ),
    pytest.param(EventType.USER_SIGNED_UP, ["sealed"], None, id="a payload that is no object"),
    pytest.param(EventType.USER_SIGNED_UP, "sealed", None, id="a payload that is a text"),
    pytest.param(EventType.CONFIG_CHANGED, {"sealed": "x"}, None, id="a sealed change of a config"),
    pytest.param(EventType.CONFIG_CHANGED, {"fields": {"auth_credentials": 1}}, None, id="a field of that name"),
    pytest.param("unheard_of", LOGIN, None, id="a type that nobody knows"),
]


@pytest.mark.parametrize(("type_", "payload", "left"), ROWS)
def test_an_event_that_ended_keeps_no_credentials(type_: Any, payload: Any, left: dict[str, Any] | None) -> None:
    event = logged(type_, "a", payload=payload)
    ended = [
        outcomes.done(event, at=NOON),
        outcomes.superseded(event, at=NOON, detail="a later one"),
        outcomes.dead(event, at=NOON, detail="no", move=Move.OPERATOR),
    ]

    assert [update.columns.get("payload") for update in ended] == [left] * 3


def test_an_event_that_waits_keeps_its_credentials() -> None:
    event = logged(EventType.USER_SIGNED_UP, "a", payload=LOGIN)
    waiting = [
        outcomes.retry(event, due_at=NOON, since=NOON, detail="no", move=None),
        outcomes.snooze(event, due_at=NOON, detail="no"),
    ]

    assert all("payload" not in update.columns for update in waiting)


def test_what_is_not_named_is_not_written() -> None:
    event = logged(EventType.CONFIG_CHANGED, "a", looks=1)

    for update in (outcomes.done(event, at=NOON), outcomes.superseded(event, at=NOON)):
        assert update.columns["detail"] is None
    assert outcomes.dead(event, at=NOON, detail="no", move=Move.OPERATOR).columns["last_response"] is None
    assert outcomes.retry(event, due_at=NOON, since=NOON, detail="no", move=None).columns["last_response"] is None
    assert outcomes.snooze(event, due_at=None, detail=None).columns == {"detail": None, "looks": 1}
