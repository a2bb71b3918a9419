"""Events as a worker reads them from the log, for tests of what is decided about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import EventType
from cobalt_mirror.events.stored import Entry, read_entry

ACCOUNT, SLUG = "acme", "jira"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def at(second: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=second)


def logged(
    type_: str,
    id_: str,
    second: float = 0,
    *,
    payload: Any = None,
    status: str = "pending",
    source: str = "host",
    **columns: Any,
) -> LoggedEvent:
    """A row of the log, recorded in the moment in which it occurred."""
    row: dict[str, Any] = {
        "linked_account_id": ACCOUNT,
        "slug": None if type_ in {EventType.USER_SIGNED_UP, EventType.USER_DELETED} else SLUG,
        "payload": {} if payload is None else payload,
        "occurred_at": at(second),
        "recorded_at": at(second),
        "status": EventStatus(status),
        **columns,
    }
    return LoggedEvent(source=source, id=id_, type=type_, **row)


def entry(type_: EventType, id_: str, second: float = 0, **columns: Any) -> Entry:
    """The same row with the event that is read from it."""
    return read_entry(logged(type_, id_, second, **columns), Vault(()))


def signed_up(id_: str, second: float = 0, **columns: Any) -> Entry:
    """A sign-up."""
    return entry(EventType.USER_SIGNED_UP, id_, second, **columns)


def deleted(id_: str, second: float = 0, **columns: Any) -> Entry:
    """A deletion of the account."""
    return entry(EventType.USER_DELETED, id_, second, **columns)


def authorized(
    id_: str, second: float = 0, *, auth_type: str | None = None, connection_id: str | None = None, **columns: Any
) -> Entry:
    """An authorisation."""
    payload = _naming(auth_type=auth_type, connection_id=connection_id)
    return entry(EventType.CONNECTION_AUTHORIZED, id_, second, payload=payload, **columns)


def changed(id_: str, second: float = 0, payload: dict[str, Any] | None = None, **columns: Any) -> Entry:
    """A change of a config."""
    return entry(EventType.CONFIG_CHANGED, id_, second, payload=payload, **columns)


def config_removed(id_: str, second: float = 0, payload: dict[str, Any] | None = None, **columns: Any) -> Entry:
    """A removal of a config."""
    return entry(EventType.CONFIG_REMOVED, id_, second, payload=payload, **columns)


def removed(
    id_: str, second: float = 0, *, auth_type: str | None = None, connection_id: str | None = None, **columns: Any
) -> Entry:
    """A removal."""
    payload = _naming(auth_type=auth_type, connection_id=connection_id)
    return entry(EventType.CONNECTION_REMOVED, id_, second, payload=payload, **columns)


def _naming(**named: str | None) -> dict[str, str]:
    return {name: value for name, value in named.items() if value is not None}
