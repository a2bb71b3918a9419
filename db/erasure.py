"""Erasure: takes everything personal of a deleted account out of all tables. Keys, times and statuses stay."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_, update

from cobalt_mirror.db.feed import erase_entries
from cobalt_mirror.db.generations import Generation
from cobalt_mirror.db.history import Because, erase_values
from cobalt_mirror.db.log import Key, content_of, order_of
from cobalt_mirror.db.mirror import end_account
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.tables import (
    calls,
    checks,
    denials,
    events,
    looks,
    notifications,
    suspicions,
    walked,
    workflow_runs,
)
from cobalt_mirror.db.vault import Vault

#: Why an event of a generation that is over came to nothing.
ACCOUNT_DELETED = "account deleted"

_KEYS_A_STATEMENT = 1_000


def erase_account(connection: Connection, generation: Generation, because: Because, vault: Vault) -> None:
    """Show in the mirror that an account is gone, and erase everything personal of the generation that ended.

    Fingerprints stay, too: an event that comes a second time is still known.
    """
    account = generation.deletion.linked_account_id
    end_account(connection, account, because)
    erase_values(connection, account)
    erase_entries(connection, account)
    erase_hints(connection, account)
    connection.execute(delete(checks).where(checks.c.linked_account_id == account, checks.c.slug != ""))
    connection.execute(update(checks).where(checks.c.linked_account_id == account).values(last_error=None))
    columns = (events.c.source, events.c.id, events.c.type, events.c.occurred_at, events.c.number, events.c.recorded_at)
    rows = connection.execute(select(*columns).where(events.c.linked_account_id == account)).all()
    ended = [(row.source, row.id) for row in rows if generation.is_over_for(row.type, order_of(row))]
    deletion = (generation.deletion.source, generation.deletion.event_id)
    erase_events(connection, (key for key in ended if key != deletion), at=because.at, vault=vault)


#: What is left of an event of which only key, times, status and fingerprint stay.
_ERASED: Mapping[str, Any] = {
    "payload": {},
    "meant_for": None,
    "effect": None,
    "last_error": None,
    "last_response": None,
    "move": None,
    "detail": None,
    "operator": None,
    "traceparent": None,
    "unseen": None,
}


def erase_events(connection: Connection, keys: Iterable[Key], *, at: datetime, vault: Vault) -> None:
    """Erase what events say. Those that wait, and those that are dead, are superseded."""
    remaining = iter(keys)
    while batch := list(islice(remaining, _KEYS_A_STATEMENT)):
        in_batch = tuple_(events.c.source, events.c.id).in_(batch)
        _fingerprint(connection, batch, vault)
        connection.execute(update(events).where(in_batch).values(**_ERASED))
        connection.execute(
            update(events)
            .where(in_batch, events.c.status.in_([EventStatus.PENDING, EventStatus.DEAD]))
            .values(status=EventStatus.SUPERSEDED, detail=ACCOUNT_DELETED, finished_at=at)
        )


def erase_hints(connection: Connection, linked_account_id: str) -> None:
    """Erase what Cobalt's notifications said of an account, what reconciliations noted, and the calls about it."""
    connection.execute(
        update(notifications).where(notifications.c.linked_account_id == linked_account_id).values(payload=None)
    )
    for table in (workflow_runs, looks, suspicions, walked, denials, calls):
        connection.execute(delete(table).where(table.c.linked_account_id == linked_account_id))


def _fingerprint(connection: Connection, keys: Sequence[Key], vault: Vault) -> None:
    """Give events that were inserted by hand a fingerprint, by which the same id is known when its payload is gone."""
    columns = [events.c[name] for name in ("source", "id", "type", "linked_account_id", "slug", "payload")]
    rows = connection.execute(
        select(*columns).where(tuple_(events.c.source, events.c.id).in_(keys), events.c.fingerprint.is_(None))
    ).mappings()
    for row in rows.all():
        content = content_of({str(name): value for name, value in row.items()})
        fingerprint = vault.fingerprint(content, secret=bool(vault))
        by_key = (events.c.source == row["source"], events.c.id == row["id"])
        connection.execute(update(events).where(*by_key).values(fingerprint=fingerprint))
