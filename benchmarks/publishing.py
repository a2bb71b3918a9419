"""What publishing costs a host: one event in its own session against a bare INSERT, and a thousand at a time."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import sqlalchemy
from cryptography.fernet import Fernet
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.orm import Session

from benchmarks.figures import Figure, at_most
from benchmarks.place import Say, migrated_database
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.tables import events as log
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from cobalt_mirror.events.ids import new_id
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.settings import Settings

#: How often each kind of event is published.
TIMES = 2_000
WARM = 200
BATCHES, BATCH = 30, 1_000
#: The columns that publishing fills in; the schema fills in the rest.
_GIVEN = ("source", "id", "type", "linked_account_id", "slug", "payload", "occurred_at", "fingerprint")

KINDS: tuple[Callable[[int], Event], ...] = (
    lambda n: UserSignedUp(f"customer-{n}", name=f"Customer {n}", udf={"plan": "pro", "seats": str(n)}),
    lambda n: ConnectionAuthorized(f"customer-{n}", "slack", auth_type="oauth2"),
    lambda n: ConfigChanged(f"customer-{n}", "slack", fields={"channel": f"#room-{n}", "limit": n, "region": "eu"}),
    lambda n: ConnectionRemoved(f"customer-{n}", "slack"),
)


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Measure publishing in a host's session, then in batches."""
    with migrated_database(database) as url:
        settings = Settings(database_url=url, mirror_secret_keys=Fernet.generate_key().decode())
        say(f"{TIMES} events of each kind, one at a time")
        yield _single(database, settings)
        say(f"{BATCHES} times {BATCH} events")
        yield _batches(database, settings)


def _single(database: str, settings: Settings) -> Figure:
    engine = _host_engine(settings)
    publish_ms: dict[str, list[float]] = {}
    bare: dict[str, list[float]] = {}
    for number in range(-WARM, TIMES):
        for make in KINDS:
            event, publish_time = _publish(engine, settings, make, number)
            insert_time = _insert(engine, _row(engine, event))
            if number >= 0:
                publish_ms.setdefault(str(event.type), []).append(publish_time)
                bare.setdefault(str(event.type), []).append(insert_time)
    engine.dispose()
    ratio = _p50(chain(*publish_ms.values())) / _p50(chain(*bare.values()))
    return Figure(
        name="publish in the host's own session, p50, every kind of event as often",
        database=database,
        value=ratio,
        unit="x",
        against="a bare INSERT of the same row through the same session",
        **at_most(1.5, ratio, database),
        detail={
            kind: {
                "publish ms": _ms(publish_ms[kind]),
                "INSERT ms": _ms(bare[kind]),
                "x": _p50(publish_ms[kind]) / _p50(bare[kind]),
            }
            for kind in publish_ms
        },
    )


def _host_engine(settings: Settings) -> Engine:
    """Return an engine like a host's, without our options; on SQLite one that waits for other writers."""
    is_sqlite = settings.url().get_backend_name() == "sqlite"
    return create_engine(settings) if is_sqlite else sqlalchemy.create_engine(settings.url())


def _publish(engine: Engine, settings: Settings, make: Callable[[int], Event], number: int) -> tuple[Event, float]:
    event = make(number)
    with _host_transaction(engine) as session:
        began = time.perf_counter()
        publish_with(settings.vault(), [event], session)
        return event, time.perf_counter() - began


def _insert(engine: Engine, row: dict[str, Any]) -> float:
    with _host_transaction(engine) as session:
        began = time.perf_counter()
        session.execute(insert(log), row)
        return time.perf_counter() - began


@contextmanager
def _host_transaction(engine: Engine) -> Iterator[Session]:
    """Begin a transaction, as a host has before it publishes."""
    with Session(engine) as session, session.begin():
        session.execute(text("SELECT 1"))
        yield session


def _row(engine: Engine, event: Event) -> dict[str, Any]:
    """Return the row of an event, with a new id."""
    columns = [log.c[name] for name in _GIVEN]
    with engine.connect() as connection:
        row = connection.execute(select(*columns).where(log.c.id == event.id)).mappings().one()
    return {**{str(name): value for name, value in row.items()}, "id": new_id()}


def _p50(times: Iterable[float]) -> float:
    return statistics.median(times)


def _ms(times: list[float]) -> float:
    return round(1_000 * _p50(times), 4)


def _batches(database: str, settings: Settings) -> Figure:
    """Create a thousand events, publish them, and commit."""
    engine = create_engine(settings, pool_size=1)
    rates = [_batch(engine, settings, number) for number in range(BATCHES)]
    engine.dispose()
    return Figure(
        name="publish_many, 1,000 at a time, in a transaction of its own",
        database=database,
        value=statistics.median(rates),
        unit="events/s",
        detail={"slowest batch/s": min(rates), "fastest batch/s": max(rates), "batches": BATCHES},
    )


def _batch(engine: Engine, settings: Settings, number: int) -> float:
    began = time.perf_counter()
    events = [KINDS[n % len(KINDS)](n) for n in range(number * BATCH, (number + 1) * BATCH)]
    with engine.begin() as connection:
        publish_with(settings.vault(), events, connection)
    return BATCH / (time.perf_counter() - began)
