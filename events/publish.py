"""publish(): one row in the event log, inside the host's own transaction if it likes. Needs the database only."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from db.engine import create_engine
from db.log import content_of, find_conflicts, record_events
from db.settings import DatabaseSettings
from db.vault import Vault
from events.errors import IdConflict, InvalidEvent
from events.types import LARGEST_PAYLOAD, ConfigChanged, Event, UserSignedUp, payload_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one published event.

    Attributes:
        source: with `id`, the event's key.
        id: see `source`.
        is_new: False when the log held this very event already; then nothing was written.
    """

    source: str
    id: str
    is_new: bool


def publish(event: Event, session: Session | Connection | None = None) -> Receipt:
    """Accept one event: it is in the log as soon as the transaction commits, and no crash loses it from then on.

    Args:
        event: what happened.
        session: the host's own transaction; the event exists exactly if that commits. `None`: a transaction of
            its own on `DATABASE_URL`, committed before this returns. In an `AsyncSession`, use `run_sync`.

    Raises:
        InvalidEvent: its payload is over 256 KiB. Publish less.
        IdConflict: the log holds a different event under this source and id. Use an id of its own.
        db.errors.NoSecretKeys: it carries credentials and `MIRROR_SECRET_KEYS` is unset. Set it.
        sqlalchemy.exc.SQLAlchemyError: the database could not take it. Publish the same event again.
    """
    return publish_many([event], session)[0]


def publish_many(events: Iterable[Event], session: Session | Connection | None = None) -> list[Receipt]:
    """Accept many events, all or none of them. See `publish`.

    With a session of the host's, roll that back when this raises: some rows may be in it already.

    Returns:
        A receipt each, in the order of the events. An event that is twice among them is new once.
    """
    if session is not None:
        return publish_with(_settings(), events, session)
    with _engine().begin() as connection:
        return publish_with(_settings(), events, connection)


def publish_with(settings: DatabaseSettings, events: Iterable[Event], session: Session | Connection) -> list[Receipt]:
    """`publish_many` for a process that was told its settings instead of reading them from the environment."""
    rows, contents = _prepare(events, settings.vault())
    if not rows.asked:
        return []
    new = record_events(session, list(rows.by_key.values()), schema=settings.mirror_schema)
    known = {key: text for key, text in contents.items() if key not in new}
    if known:
        _refuse(find_conflicts(session, known, settings.vault(), schema=settings.mirror_schema))
    return [Receipt(source=source, id=id_, is_new=is_new) for (source, id_), is_new in _receipts(rows, new)]


@dataclass(slots=True)
class _Rows:
    """Rows to insert by key, and the order in which keys came, twice if they came twice."""

    by_key: dict[tuple[str, str], Mapping[str, Any]]
    asked: list[tuple[str, str]]


def _prepare(events: Iterable[Event], vault: Vault) -> tuple[_Rows, dict[tuple[str, str], str]]:
    rows, contents = _Rows({}, []), dict[tuple[str, str], str]()
    for event in events:
        key = (event.source, event.id)
        row, content = _row(event, vault)
        if contents.setdefault(key, content) != content:
            _refuse([key])
        rows.by_key.setdefault(key, row)
        rows.asked.append(key)
    return rows, contents


def _row(event: Event, vault: Vault) -> tuple[dict[str, Any], str]:
    payload = event.payload()
    size = payload_size(payload)
    if size > LARGEST_PAYLOAD:
        raise InvalidEvent(f"payload: {size} bytes of JSON are over the limit of {LARGEST_PAYLOAD}; publish less")
    secret = _secret_part(event, vault)
    values: dict[str, Any] = {
        "source": event.source,
        "id": event.id,
        "type": str(event.type),
        "linked_account_id": event.linked_account_id,
        "slug": event.subject_slug(),
        "payload": {name: value for name, value in payload.items() if name not in secret},
        "occurred_at": event.occurred_at,
    }
    content = content_of(values, secret)
    values["fingerprint"] = vault.fingerprint(content, secret=bool(secret))
    if secret:
        values["payload"]["sealed"] = vault.seal(secret)
    return values, content


def _secret_part(event: Event, vault: Vault) -> dict[str, Any]:
    """Credentials always; a config's values whenever there is a key, for any of them may be a password."""
    match event:
        case UserSignedUp(auth_credentials=credentials) if credentials:
            return {"auth_credentials": credentials}
        case ConfigChanged(fields=fields, workflows=workflows) if vault and (fields or workflows):
            return {"fields": fields, "workflows": workflows}
        case _:
            return {}


def _receipts(rows: _Rows, new: set[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], bool]]:
    left = set(new)
    for key in rows.asked:
        yield key, key in left
        left.discard(key)


def _refuse(keys: Sequence[tuple[str, str]]) -> None:
    if keys:
        named = ", ".join(f"id {id_!r} of source {source!r}" for source, id_ in keys[:3])
        raise IdConflict(f"id: the log holds a different event under {named}; publish this one under a new id")


@functools.cache
def _settings() -> DatabaseSettings:
    return DatabaseSettings.from_environment()


@functools.cache
def _engine() -> Engine:
    return create_engine(_settings())
