"""publish(): insert an event into the event log, inside the host's transaction or one of its own."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from cobalt_mirror.db.engine import HostSession, connection_of, create_engine
from cobalt_mirror.db.errors import NoSecretKeys
from cobalt_mirror.db.forms import Place, find_secret_fields
from cobalt_mirror.db.log import content_of, find_conflicts, record_events
from cobalt_mirror.db.settings import DatabaseSettings, KeySettings
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events.errors import IdConflict, InvalidEvent
from cobalt_mirror.events.size import LARGEST_PAYLOAD, payload_size
from cobalt_mirror.events.tracing import current_traceparent
from cobalt_mirror.events.types import ConfigChanged, Event, UserSignedUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The result of publishing one event.

    Attributes:
        source: The event's source; with `id`, its key.
        id: The event's id.
        is_new: False if the log already held this event; then nothing was written.
    """

    source: str
    id: str
    is_new: bool


def publish(event: Event, session: HostSession | None = None) -> Receipt:
    """Publish one event: insert it into the event log. After the commit, no crash loses it.

    Args:
        event: The event.
        session: The host's session, connection or transaction; the event exists exactly if that commits. `None`: a new
            transaction on `DATABASE_URL`, committed before this returns. With an `AsyncSession`, await `publish_async`.

    Raises:
        InvalidEvent: The payload is over 256 KiB. Publish less.
        IdConflict: The log holds a different event under this source and id. Use another id.
        cobalt_mirror.db.errors.NoSecretKeys: `MIRROR_SECRET_KEYS` is not set, and the event carries credentials, or a
            value for a field that the mirror knows as a password. Set it.
        sqlalchemy.exc.SQLAlchemyError: The database failed. Publish the same event again. At REPEATABLE READ or
            stricter, it is also raised if another transaction published the event after this one began.
    """
    return publish_many([event], session)[0]


def publish_many(events: Iterable[Event], session: HostSession | None = None) -> list[Receipt]:
    """Publish many events, all or none of them. Those of one time count in their order here. See `publish`.

    If this raises and you passed a session, roll it back: it may hold some of the rows.

    Returns:
        A receipt for each event, in their order. An event that occurs twice among them is new once.
    """
    if session is not None:
        return publish_with(_vault(), events, session)
    with own_engine().begin() as connection:
        return publish_with(_vault(), events, connection)


def publish_with(vault: Vault, events: Iterable[Event], session: HostSession) -> list[Receipt]:
    """Publish many events with these keys instead of the environment's. See `publish_many`."""
    connection, events = connection_of(session), list(events)
    rows, contents = _prepare(events, vault)
    if not rows.keys:
        return []
    if not vault:
        _refuse_readable_secrets(connection, events)
    new = record_events(connection, _traced(events, list(rows.by_key.values())))
    repeated = {key: text for key, text in contents.items() if key not in new}
    if repeated:
        _refuse(find_conflicts(connection, repeated, vault))
    return [Receipt(source=source, id=id_, is_new=is_new) for (source, id_), is_new in _receipts(rows, new)]


@dataclass(slots=True)
class _Rows:
    """The rows to insert by key, and the keys in the order of the events, repetitions included."""

    by_key: dict[tuple[str, str], Mapping[str, Any]]
    keys: list[tuple[str, str]]


def _prepare(events: Iterable[Event], vault: Vault) -> tuple[_Rows, dict[tuple[str, str], str]]:
    rows, contents = _Rows({}, []), dict[tuple[str, str], str]()
    for event in events:
        key = (event.source, event.id)
        row, content = _row(event, vault)
        if contents.setdefault(key, content) != content:
            _refuse([key])
        rows.by_key.setdefault(key, row)
        rows.keys.append(key)
    return rows, contents


def _row(event: Event, vault: Vault) -> tuple[dict[str, Any], str]:
    payload = event.payload()
    size = payload_size(payload)
    if size > LARGEST_PAYLOAD:
        raise InvalidEvent(f"payload: must be at most {LARGEST_PAYLOAD} bytes of JSON, not {size}")
    values: dict[str, Any] = {
        "source": event.source,
        "id": event.id,
        "type": str(event.type),
        "linked_account_id": event.linked_account_id,
        "slug": event.subject_slug(),
        "payload": payload,
        "occurred_at": event.occurred_at,
    }
    content = content_of(values)
    secret = _secret_part(event, vault)
    values["fingerprint"] = vault.fingerprint(content, secret=bool(secret))
    if secret:
        public = {name: value for name, value in payload.items() if name not in secret}
        values["payload"] = {**public, "sealed": vault.seal(secret)}
    return values, content


def _traced(events: Sequence[Event], rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the rows with the host's span. Without one, they have no such column, as most hosts do not trace."""
    current = current_traceparent()
    own = {(event.source, event.id): event.traceparent for event in events if event.traceparent is not None}
    if current is None and not own:
        return rows
    return [{**row, "traceparent": own.get((row["source"], row["id"]), current)} for row in rows]


def _secret_part(event: Event, vault: Vault) -> dict[str, Any]:
    """Return what to encrypt: credentials always; a config's values if there is a key, as any may be a password."""
    match event:
        case UserSignedUp(auth_credentials=credentials) if credentials:
            return {"auth_credentials": credentials}
        case ConfigChanged(fields=fields, workflows=workflows) if vault and (fields or workflows):
            return {"fields": fields, "workflows": workflows}
        case _:
            return {}


def _refuse_readable_secrets(connection: Connection, events: Iterable[Event]) -> None:
    """Raise NoSecretKeys if a value for a known password field would be stored unencrypted."""
    changes = [event for event in events if isinstance(event, ConfigChanged)]
    places = {place for event in changes for place in _written_places(event)}
    if not places:
        return
    subjects = {(event.linked_account_id, event.slug) for event in changes}
    secret = sorted(places & find_secret_fields(connection, subjects), key=str)
    if secret:
        slug, workflow_id, field_id = secret[0]
        name = f"fields.{field_id}" if workflow_id is None else f"workflows.{workflow_id}.fields.{field_id}"
        raise NoSecretKeys(
            f"{name}: is a password field of {slug}, and would be stored unencrypted, as MIRROR_SECRET_KEYS is not "
            "set; set it to a Fernet key and publish again"
        )


def _written_places(event: ConfigChanged) -> Iterator[Place]:
    parts = [(None, event.fields), *((workflow["id"], workflow.get("fields", {})) for workflow in event.workflows)]
    for workflow_id, values in parts:
        yield from ((event.slug, workflow_id, name) for name, value in values.items() if value is not None)


def _receipts(rows: _Rows, new: set[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], bool]]:
    unclaimed = set(new)
    for key in rows.keys:
        yield key, key in unclaimed
        unclaimed.discard(key)


def _refuse(keys: Sequence[tuple[str, str]]) -> None:
    if keys:
        named = ", ".join(f"id {id_!r} of source {source!r}" for source, id_ in keys[:3])
        raise IdConflict(f"id: the event log has a different event with {named}; publish this one with a new id")


@functools.cache
def _vault() -> Vault:
    return KeySettings.from_environment().vault()  # not DATABASE_URL, which may be in a form of the host's own


@functools.cache
def own_engine() -> Engine:
    """Return the engine on `DATABASE_URL` for transactions without a session of the host's; one for the process."""
    return create_engine(DatabaseSettings.from_environment())
