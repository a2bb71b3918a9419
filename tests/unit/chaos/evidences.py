"""Small evidences in the shape that a run leaves behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cobalt_mirror.events import Event
from tests.chaos.audit import Note
from tests.chaos.evidence import Evidence

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def logged(event: Event, *, recorded: float, finished: float, status: str = "done", **more: Any) -> dict[str, Any]:
    """The row of an event in the log."""
    return {
        "source": event.source,
        "id": event.id,
        "type": str(event.type),
        "linked_account_id": event.linked_account_id,
        "occurred_at": event.occurred_at,
        "recorded_at": at(recorded),
        "finished_at": at(finished),
        "status": status,
        "number": None,
        "attempts": 1,
        "last_error": None,
        "detail": None,
        **more,
    }


def call(n: int, seconds: float, route: str, **more: Any) -> dict[str, Any]:
    """A row of the ledger of calls."""
    fields = {"linked_account_id": "acme", "slug": None, "status": 200, "fault": None}
    return {"n": n, "at": at(seconds).isoformat(), "route": route, **fields, **more}


def effect(kind: str, seconds: float, *, by: int | None, slug: str | None = None, **detail: Any) -> dict[str, Any]:
    """A row of the ledger of effects."""
    fields = {"linked_account_id": "acme", "slug": slug, "call": by, "detail": detail}
    return {"kind": kind, "at": at(seconds).isoformat(), **fields}


def note(number: int, kind: str, *, transaction: str = "1", seconds: float = 0, **details: Any) -> Note:
    """A row of the audit."""
    return Note(number=number, at=at(seconds), transaction=transaction, kind=kind, account="acme", details=details)


def evidence(*, events: list[tuple[Event, dict[str, Any]]] | None = None, **more: Any) -> Evidence:
    """An evidence in which these events were accepted and have these rows."""
    pairs = [] if events is None else events
    accepted = {(event.source, event.id): event for event, _ in pairs}
    return Evidence(accepted=accepted, rows={"events": [row for _, row in pairs]}, **more)
