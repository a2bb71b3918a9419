"""publish() through Django's own connection: the same INSERT as everywhere, on Django's cursor."""

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import connections, router, transaction
from sqlalchemy import Connection, Engine

from cobalt_mirror.db.borrowed import borrowing_engine
from cobalt_mirror.db.refused_sessions import DIALECTS
from cobalt_mirror.django.configuring import read_settings
from cobalt_mirror.django.errors import WrongDatabase
from cobalt_mirror.events.publish import Receipt, publish_with
from cobalt_mirror.events.types import Event


def publish(event: Event, *, using: str | None = None) -> Receipt:
    """Publish one event: insert it into the event log, in Django's transaction.

    Inside `transaction.atomic()` the event exists if and only if that commits. Outside, this commits it.

    Args:
        event: The event.
        using: The alias of the database with the mirror. `None`: where Django's routers write its models, else
            `default`.

    Raises:
        InvalidEvent: The payload is over 256 KiB. Publish less.
        IdConflict: The log holds a different event under this source and id. Use another id.
        cobalt_mirror.db.errors.NoSecretKeys: `MIRROR_SECRET_KEYS` is not set, and the event has a secret. Set it.
        WrongDatabase: The alias is neither PostgreSQL nor SQLite. Name the database with the mirror.
        django.db.Error: The database failed. Publish the same event again.
    """
    return publish_many([event], using=using)[0]


def publish_many(events: Iterable[Event], *, using: str | None = None) -> list[Receipt]:
    """Publish many events, all or none of them. Events with the same time keep their order. See `publish`.

    If this raises inside `transaction.atomic()`, let that be rolled back: it may hold some of the rows.

    Returns:
        A receipt for each event, in their order. An event that occurs twice among them is new once.
    """
    vault = read_settings().vault()
    with session(using) as connection:
        return publish_with(vault, events, connection)


@contextmanager
def session(using: str | None = None) -> Iterator[Connection]:
    """Lend Django's transaction to the functions of `cobalt_mirror` that take a session, such as `changes`.

    Outside `transaction.atomic()` it is a transaction of its own, committed at the end.

    Args:
        using: See `publish`.
    """
    alias = find_alias() if using is None else using
    engine, is_open = engine_of(alias), connections[alias].in_atomic_block
    with nullcontext() if is_open else transaction.atomic(using=alias), engine.connect() as connection:
        yield connection


def find_alias() -> str:
    """Return the alias of the database with the mirror, as Django's routers say it."""
    from cobalt_mirror.django.models import LinkedAccount  # noqa: PLC0415 - models can be loaded once Django is set up

    return router.db_for_write(LinkedAccount)


def engine_of(alias: str) -> Engine:
    """Return the engine that borrows the cursors of a database of Django's.

    Raises:
        WrongDatabase: it is neither PostgreSQL nor SQLite.
    """
    vendor = connections[alias].vendor
    if vendor not in DIALECTS:
        raise WrongDatabase(
            f"the database {alias!r} is {vendor}, and the mirror is in PostgreSQL or SQLite; name the database with "
            "the mirror, as in publish(event, using='...')"
        )
    return _engine(alias, vendor, read_settings().mirror_schema)


@functools.cache
def _engine(alias: str, vendor: str, schema: str) -> Engine:
    def cursor() -> Any:
        return connections[alias].cursor()  # of the thread that asks

    return borrowing_engine(vendor, schema, cursor)
