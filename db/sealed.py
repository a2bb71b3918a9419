"""What is sealed in the database: which key seals how much of it, and the sealing of it with another key.

One column has sealed values: `events.payload`, under the name `sealed`. Another one would belong into `SEALED` and into
the statements below; a test finds what is sealed anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from cobalt_mirror.db.log import content_of
from cobalt_mirror.db.tables import events
from cobalt_mirror.db.vault import FINGERPRINT_LENGTH, FIRST_LETTERS, VERSION_LETTER, Vault

#: The columns with sealed values, by table.
SEALED = {"events": "payload"}

#: Where a row stands in the order in which rows are read: its key; on SQLite, where a key may be any bytes, its number.
Place: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEvent:
    """An event with a sealed value.

    Attributes:
        token: the sealed value.
        content: what the event says but for what is sealed, as `log.content_of` takes it; without a payload that can
            be read, None.
        mark: its fingerprint, by which the same event is known when it is published again.
    """

    place: Place
    token: str
    content: Mapping[str, Any] | None
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the table.

    Attributes:
        events: those of its events that were asked for.
        last: where its last row stands; None: there are no more rows.
    """

    events: Sequence[SealedEvent]
    last: Place | None


def count_by_fingerprint(connection: Connection) -> dict[str | None, int]:
    """Count events by the fingerprint of the key that sealed them; None: an older release did, and named no key.

    SELECT substr(payload ->> 'sealed', 2, 11), count(*) FROM events WHERE payload ->> 'sealed' IS NOT NULL GROUP BY 1
    """
    token = _token(connection)
    fingerprint = _fingerprint(token).label("fingerprint")
    counted = select(fingerprint, func.count().label("rows")).where(token.is_not(None)).group_by(text("1"))
    rows = connection.execute(counted)
    return {row.fingerprint: row.rows for row in rows}


def read_unnamed(connection: Connection, *, after: Place | None, limit: int) -> Page:
    """Read the events of a page of the table whose sealed values name no key."""
    token = _token(connection)
    return _read(connection, and_(token.is_not(None), _fingerprint(token).is_(None)), after=after, limit=limit)


def read_not_sealed_by(connection: Connection, fingerprint: str, *, after: Place | None, limit: int) -> Page:
    """Read the events of a page of the table that are sealed, and whose sealed values do not name a key."""
    token = _token(connection)
    is_other = or_(_fingerprint(token).is_(None), _fingerprint(token) != fingerprint)
    return _read(connection, and_(token.is_not(None), is_other), after=after, limit=limit)


def _read(connection: Connection, is_wanted: ColumnElement[bool], *, after: Place | None, limit: int) -> Page:
    """Read so many rows of the table, and return those that are wanted: no statement takes long, however rare they are.

    SELECT source, id, ..., CASE WHEN <wanted> THEN payload END FROM events WHERE (source, id) > (:source, :id)
    ORDER BY source, id LIMIT :limit
    """
    place = _place(connection)
    columns = [events.c[name] for name in ("type", "linked_account_id", "slug", "fingerprint")]
    wanted = [
        case((is_wanted, _token(connection))).label("token"),
        case((is_wanted, events.c.payload)).label("payload"),
    ]
    statement = select(*place, *columns, *wanted).select_from(events).order_by(*place).limit(limit)
    if after is not None:
        bounds = [literal(value, column.type) for column, value in zip(place, after, strict=True)]
        statement = statement.where(tuple_(*place) > tuple_(*bounds))
    rows = connection.execute(statement).all()
    places = [tuple(row[: len(place)]) for row in rows]
    sealed = [_event(where, row) for where, row in zip(places, rows, strict=True) if row.token is not None]
    return Page(events=sealed, last=places[-1] if len(rows) == limit else None)


def _event(place: Place, row: Any) -> SealedEvent:
    content = None
    if isinstance(row.payload, dict):
        public = {name: value for name, value in row.payload.items() if name != "sealed"}
        content = {**{name: getattr(row, name) for name in ("type", "linked_account_id", "slug")}, "payload": public}
    return SealedEvent(place=place, token=row.token, content=content, mark=row.fingerprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What is to stand in an event's row instead of what its first key does not seal.

    Attributes:
        token: the sealed value that is there now.
        new_token: the same, sealed with the first key.
        mark: the fingerprint by which the same event is known then.
    """

    place: Place
    token: str
    new_token: str
    mark: str | None


def replacement_for(event: SealedEvent, vault: Vault) -> Replacement:
    """Seal an event's value with the first key, and have the event known by that key too.

    Raises:
        CannotUnseal: no key opens the value.
    """
    mark = event.mark
    opened = vault.unseal(event.token)
    if mark is not None and event.content is not None and isinstance(opened, dict):
        content = content_of({**event.content, "payload": event.content["payload"] | opened})
        if vault.matches(content, mark):  # else a database has changed what was published, such as a NUL in a name
            mark = vault.fingerprint(content, secret=True)
    return Replacement(place=event.place, token=event.token, new_token=vault.reseal(event.token), mark=mark)


def replace(connection: Connection, replacements: Sequence[Replacement]) -> int:
    """Write replacements, and return how many: a row that is in use or has changed meanwhile is left as it is.

    UPDATE events SET payload = jsonb_set(payload, '{sealed}', :new_token), fingerprint = :mark
    WHERE (source, id) = (:source, :id) AND payload ->> 'sealed' = :token
    """
    place = _place(connection)
    where = tuple_(*place).in_([each.place for each in replacements])
    in_reach = select(*place).select_from(events).where(where).with_for_update(skip_locked=True)
    free = {tuple(row) for row in connection.execute(in_reach)}
    rows = [
        {**dict(zip(_PLACES, each.place, strict=False)), "token": each.token, "new": each.new_token, "mark": each.mark}
        for each in replacements
        if each.place in free
    ]
    if not rows:
        return 0
    is_it = [column == bindparam(name, type_=column.type) for column, name in zip(place, _PLACES, strict=False)]
    is_same = _token(connection) == bindparam("token", type_=Text)
    changed = update(events).where(*is_it, is_same).values(payload=_payload(connection), fingerprint=bindparam("mark"))
    return connection.execute(changed, rows).rowcount


#: The names of the parts of a place in a statement.
_PLACES = ("place_1", "place_2")


def _place(connection: Connection) -> list[ColumnElement[Any]]:
    if connection.dialect.name == "sqlite":
        return [literal_column("rowid", Integer)]
    return [events.c.source, events.c.id]


def _token(connection: Connection) -> ColumnElement[str | None]:
    """Return the sealed value as text; NULL: there is none."""
    if connection.dialect.name == "sqlite":
        is_json = func.json_valid(events.c.payload) == 1
        return case((is_json, cast(func.json_extract(events.c.payload, literal_column("'$.sealed'")), Text)))
    return func.jsonb_extract_path_text(events.c.payload, literal_column("'sealed'"), type_=Text)


def _fingerprint(token: ColumnElement[str | None]) -> ColumnElement[str | None]:
    """Return the fingerprint in a sealed value, as `vault.find_fingerprint` does; NULL: an older release sealed it."""
    names_one = and_(func.substr(token, 1, 1) == VERSION_LETTER, func.substr(token, 2, 1).in_(list(FIRST_LETTERS)))
    return case((names_one, func.substr(token, 2, FINGERPRINT_LENGTH)))


def _payload(connection: Connection) -> ColumnElement[Any]:
    """Return the payload with another sealed value."""
    new = bindparam("new", type_=Text)
    if connection.dialect.name == "sqlite":
        return func.json_set(events.c.payload, literal_column("'$.sealed'"), new)
    return func.jsonb_set(events.c.payload, literal_column("'{sealed}'"), func.to_jsonb(cast(new, Text)))
