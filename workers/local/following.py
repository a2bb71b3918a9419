"""What `up --sandbox` says while one publishes: a line for each event that came in, and for what became of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeAlias

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db import EventState, list_events
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.statuses import EventStatus

_POLL_SECONDS = 0.5
#: Of how many of the latest events changes are seen.
_LATEST = 100

#: How far events were when they were last read, by source and id.
Known: TypeAlias = dict[tuple[str, str], EventState]


@contextmanager
def following(engine: Engine, say: Callable[[str], object]) -> Iterator[None]:
    """Say what happens to events inside the `with` block, from now on.

    Args:
        engine: Of the database, which is migrated.
        say: Prints one line.
    """
    stopping, known = Event(), _by_key(_read(engine))
    follower = Thread(target=_follow, args=[engine, say, known, stopping], name="follower of events", daemon=True)
    follower.start()
    try:
        yield
    finally:
        stopping.set()
        follower.join()


def _follow(engine: Engine, say: Callable[[str], object], known: Known, stopping: Event) -> None:
    is_over = False
    while not is_over:
        is_over = stopping.wait(_POLL_SECONDS)  # one more look at the end, for what happened since the last
        try:
            events = _read(engine)
        except SQLAlchemyError:  # the processes say what is wrong with the database
            continue
        for line in news(known, events):
            say(line)
        known |= _by_key(events)


def _read(engine: Engine) -> list[EventState]:
    with reading(engine).begin() as connection:
        return list_events(connection, limit=_LATEST)[::-1]


def _by_key(events: Sequence[EventState]) -> Known:
    return {(event.source, event.id): event for event in events}


def news(known: Known, events: Sequence[EventState]) -> Iterator[str]:
    """Yield a line for each event that is new, and for each that has come further.

    Args:
        known: How far the events were before.
        events: How far they are now, oldest first.
    """
    for event in events:
        subject = event.linked_account_id if event.slug is None else f"{event.linked_account_id}, {event.slug}"
        before = known.get((event.source, event.id))
        if before is None:
            yield f"event   | {event.type} of {subject}: came in"
        reached = _describe(event)
        if reached and (before is None or reached != _describe(before)):
            yield f"event   | {event.type} of {subject}: {reached}"


def _describe(event: EventState) -> str:
    """Say how far an event is; nothing before its first attempt."""
    if event.status is EventStatus.PENDING:
        return f"attempt {event.attempts} failed, another follows: {event.last_error}" if event.attempts else ""
    remark = event.last_error if event.status is EventStatus.DEAD else event.detail
    return f"{event.status}: {remark}" if remark else f"{event.status}"
