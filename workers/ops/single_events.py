"""Single events for an operator: what is stored of one, and having it tried now."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from cobalt_mirror.db import EventState, list_events
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.single_events import StoredEvent, find_events, hurry
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.payloads import show_payloads


def read_events(engine: Engine, *, account: str | None, status: EventStatus | None, limit: int) -> list[EventState]:
    """Read the latest events, newest first."""
    with reading(engine).begin() as connection:
        return list_events(connection, account, status=status, limit=limit)


def read_event(
    engine: Engine, id_: str, *, source: str | None, vault: Vault, status: EventStatus | None = None
) -> Mapping[str, Any]:
    """Read all that is stored of an event, its payload as an operator may see it.

    Args:
        engine: Of the database.
        id_: The event's id.
        source: Its source; None: whichever has an event with this id.
        vault: The keys that open what is sealed.
        status: The status that it must have; None: any.

    Raises:
        NotReady: There is no such event, or several sources have one. The text says what to do.
    """
    with reading(engine).begin() as connection:
        event = _get(find_events(connection, id_, source=source), id_)
        if status is not None and event.status is not status:
            raise NotReady(f"event {id_!r} is {event.status}, not {status}; run `cobalt-mirror events show {id_}`")
        rows = {event.key: (event.linked_account_id, event.slug, event.payload)}
        return {**asdict(event), "payload": show_payloads(connection, rows, vault)[event.key]}


def hurry_event(engine: Engine, id_: str, *, source: str | None, by: str, clock: Clock = database_clock) -> StoredEvent:
    """Make an event due now, and return it as it was. The event says by whom until its next attempt.

    Raises:
        NotReady: It does not wait, there is no such event, or several sources have one. The text says what to do.
    """
    with engine.begin() as connection:
        event = _get(find_events(connection, id_, source=source), id_)
        if not hurry(connection, event.key, at=clock(connection), by=by):
            replay = "; to have it tried again, run `cobalt-mirror dead replay`" if _is_dead(event) else ""
            raise NotReady(f"event {id_!r} is {event.status} and does not wait{replay}")
    return event


def _is_dead(event: StoredEvent) -> bool:
    return event.status is EventStatus.DEAD


def _get(events: list[StoredEvent], id_: str) -> StoredEvent:
    if not events:
        raise NotReady(f"no event {id_!r} in the event log; check the id, --source and DATABASE_URL")
    if len(events) > 1:
        sources = ", ".join(event.source for event in events)
        raise NotReady(f"several sources have an event {id_!r}: {sources}; give one of them with --source")
    return events[0]
