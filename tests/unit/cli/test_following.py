"""Which lines `up --sandbox` prints when events came in or came further."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cobalt_mirror.db import EventState
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.workers.local.following import news

NOW = datetime(2026, 1, 31, tzinfo=UTC)
NEW = EventState(
    source="host",
    id="1",
    type="user_signed_up",
    linked_account_id="acme",
    slug=None,
    occurred_at=NOW,
    recorded_at=NOW,
    status=EventStatus.PENDING,
    attempts=0,
    due_at=NOW,
    last_error=None,
    last_response=None,
    move=None,
    detail=None,
)
RETRIED = replace(NEW, attempts=1, last_error="Cobalt is busy")
DONE = replace(NEW, status=EventStatus.DONE, attempts=1)
SUPERSEDED = replace(NEW, status=EventStatus.SUPERSEDED, detail="a later one")
DEAD = replace(RETRIED, status=EventStatus.DEAD)

CAME_IN = "event   | user_signed_up of acme: came in"
FAILED = "event   | user_signed_up of acme: attempt 1 failed, another follows: Cobalt is busy"


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        (None, NEW, [CAME_IN]),
        (None, replace(NEW, slug="slack"), ["event   | user_signed_up of acme, slack: came in"]),
        (None, DONE, [CAME_IN, "event   | user_signed_up of acme: done"]),
        (NEW, NEW, []),
        (NEW, RETRIED, [FAILED]),
        (RETRIED, RETRIED, []),
        (RETRIED, replace(RETRIED, attempts=2), [FAILED.replace("attempt 1", "attempt 2")]),
        (RETRIED, replace(RETRIED, status=EventStatus.DONE), ["event   | user_signed_up of acme: done"]),
        (NEW, SUPERSEDED, ["event   | user_signed_up of acme: superseded: a later one"]),
        (RETRIED, DEAD, ["event   | user_signed_up of acme: dead: Cobalt is busy"]),
        (DONE, DONE, []),
    ],
)
def test_each_step_is_said_once(before: EventState | None, now: EventState, lines: list[str]) -> None:
    known = {} if before is None else {(before.source, before.id): before}

    assert list(news(known, [now])) == lines


def test_the_oldest_event_comes_first() -> None:
    assert [line.split(":")[0] for line in news({}, [NEW, replace(NEW, id="2", linked_account_id="zoe")])] == [
        "event   | user_signed_up of acme",
        "event   | user_signed_up of zoe",
    ]
