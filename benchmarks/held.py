"""What the relay's looks cost while a transaction stays open: `python -m benchmarks.held [FINISHED]`.

PostgreSQL removes no row version and no index entry that an open transaction may still see, as with a `pg_dump` or a
host's forgotten session. So everything that changes often leaves something behind for as long as it is open.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import machine_load, percentile, say_to_stderr, show
from benchmarks.place import POSTGRESQL, Say, migrated_database, own_redis
from cobalt_mirror.db.checks import finish_check, record_check
from cobalt_mirror.db.due import count_under_way, forget_sent, mark_sent
from cobalt_mirror.db.engine import create_engine, database_clock
from cobalt_mirror.db.leases import give_back, take_lease
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.subject import get_background, get_opening
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.broker import create_broker
from cobalt_mirror.workers.queues import declare_queues
from cobalt_mirror.workers.redis_clients import create_redis
from cobalt_mirror.workers.relay import BUSY_POLL_SECONDS, IDLE_POLL_SECONDS, Relay
from cobalt_mirror.workers.settings import Settings

FINISHED = 200_000
LOOKS = 400
_NOTHING = "a look that finds nothing"
#: How the life of events is told again, in SQL: as many a second as a fast installation finishes, of so many accounts.
_A_SECOND, _ACCOUNTS, _BATCH = 300, 20_000, 2_000
_FINISH = "UPDATE {schema}.events SET status = 'done', finished_at = clock_timestamp() WHERE status = 'pending'"
_LIFE = (
    "INSERT INTO {schema}.events (id, type, linked_account_id, due_at) SELECT 'past-' || n, 'user_signed_up',"
    " 'customer-' || mod(n, {accounts}), now() - make_interval(secs => ({count} - n) / {rate}.0)"
    " FROM generate_series({first}, {last}) AS n",
    "INSERT INTO {schema}.checks (linked_account_id, slug, due_at, reason)"
    " SELECT 'customer-' || mod(n, {accounts}), '', now() - make_interval(secs => ({count} - n) / {rate}.0),"
    " 'a notification' FROM generate_series({first}, {last}, 4) AS n",
    "INSERT INTO {schema}.work (linked_account_id, sent_until) SELECT 'customer-' || mod(n, {accounts}), now()"
    " FROM generate_series({first}, {last}) AS n",
    "UPDATE {schema}.work SET slug = '', lease_token = 'token', leased_until = now()",
    "DELETE FROM {schema}.work",
    _FINISH,
    "DELETE FROM {schema}.checks",
)


def looks(say: Say, *, finished: int = FINISHED) -> Iterator[Figure]:
    """Measure looks and the statements of an attempt, before and after events that nothing could clean up."""
    with migrated_database(POSTGRESQL) as url, own_redis() as redis:
        settings = Settings.model_validate({"database_url": url, "redis_url": redis.url, "cobalt_api_key": "tk_bench"})
        engine, client = create_engine(settings), create_redis(settings)
        broker = create_broker(client, settings)
        declare_queues(broker)
        relay = Relay(engine=engine, broker=broker, settings=settings)
        with _held_transaction(settings):
            say("a relay and an attempt before")
            before = {**_looks(relay, settings), **_statements(engine)}
            say(f"{finished:,} events come and are finished beside a held transaction")
            _live(engine, settings.mirror_schema, finished)
            say("a relay and an attempt after")
            after = {**_looks(relay, settings), **_statements(engine)}
        engine.dispose()
        client.close()
    yield from _figures(before, after, finished)


def _figures(before: Mapping[str, list[float]], after: Mapping[str, list[float]], finished: int) -> Iterator[Figure]:
    beside = f"{finished:,} events after a transaction was opened"
    quiet = percentile(after[_NOTHING], 0.5)
    yield Figure(
        name=f"a look that finds nothing, median, {beside}",
        database=POSTGRESQL,
        value=round(quiet, 2),
        unit="ms",
        detail={"before": _described(before[_NOTHING]), "after": _described(after[_NOTHING]), "load": machine_load()},
        **at_most(5, quiet, POSTGRESQL),
    )
    for name in [name for name in after if name != _NOTHING]:
        ratio = percentile(after[name], 0.5) / percentile(before[name], 0.5)
        yield Figure(
            name=f"{name}, median, {beside}",
            database=POSTGRESQL,
            value=round(ratio, 2),
            unit="x",
            against="before them",
            detail={"before": _described(before[name]), "after": _described(after[name])},
            **at_most(2, ratio, POSTGRESQL),
        )


def _described(took: list[float]) -> dict[str, float]:
    shares = {"p50 ms": 0.5, "p95 ms": 0.95, "p99 ms": 0.99, "max ms": 1.0}
    return {"times": len(took)} | {name: round(percentile(took, share), 2) for name, share in shares.items()}


# --- the past ---------------------------------------------------------------------------------------------------------


@contextmanager
def _held_transaction(settings: DatabaseSettings) -> Iterator[None]:
    """Keep a transaction open that may see everything as it is now, as `pg_dump` does."""
    engine = create_engine(settings)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SELECT count(*) FROM pg_class"))
        yield
        connection.rollback()
    engine.dispose()


def _live(engine: Engine, schema: str, count: int) -> None:
    """Have events come, and be finished, some at a time; then have PostgreSQL clean up what it may."""
    for first in range(1, count + 1, _BATCH):
        last = min(first + _BATCH - 1, count)
        for statement in _LIFE:
            words = statement.format(
                schema=schema, first=first, last=last, count=count, rate=_A_SECOND, accounts=_ACCOUNTS
            )
            with engine.begin() as connection:
                connection.execute(text(words))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {schema}.events, {schema}.work, {schema}.checks"))


# --- measuring --------------------------------------------------------------------------------------------------------


def _looks(relay: Relay, settings: Settings) -> dict[str, list[float]]:
    """Look as a relay does, with its pauses; then look for an event each time."""
    idle, found, began = [], [], time.monotonic()
    for _ in range(LOOKS):
        idle.append(_milliseconds(relay.send_due))
        time.sleep(IDLE_POLL_SECONDS)
    finish = text(_FINISH.format(schema=settings.mirror_schema))
    for number in range(LOOKS // 2):
        event = UserSignedUp(f"look-{began}-{number}", name="A")
        with relay.engine.begin() as connection:
            publish_with(settings.vault(), [event], connection)
        found.append(_milliseconds(relay.send_due))
        with relay.engine.begin() as connection:
            connection.execute(finish)
            forget_sent(connection, event.linked_account_id)
        time.sleep(BUSY_POLL_SECONDS)
    return {_NOTHING: idle, "a look that finds an event": found}


def _statements(engine: Engine) -> dict[str, list[float]]:
    """Make the statements of an attempt, each for a customer with a past."""
    took: dict[str, list[float]] = {}
    for number in range(LOOKS // 2):
        account = f"customer-{number}"
        with engine.begin() as connection:
            _attempt(connection, account, took)
            connection.rollback()
    return took


def _attempt(connection: Connection, account: str, took: dict[str, list[float]]) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(seconds=15)
    lease = None

    def time_it(name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        value = call()
        took.setdefault(name, []).append((time.perf_counter() - began) * 1_000)
        return value

    time_it("count_under_way", lambda: count_under_way(connection, now))
    time_it("mark_sent", lambda: mark_sent(connection, {account: False}, now=now, until=later))
    time_it("get_opening", lambda: get_opening(connection, account, database_clock))
    lease = time_it(
        "take_lease",
        lambda: take_lease(connection, account, "", now=now, began=0, ttl=timedelta(seconds=30)),
    )
    time_it("get_background", lambda: get_background(connection, account, ""))
    time_it("record_check", lambda: record_check(connection, account, "", due_at=later, reason="bench"))
    time_it("finish_check", lambda: finish_check(connection, account, "", read_since=later))
    time_it("give_back", lambda: give_back(connection, lease, database_clock))


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1_000


def main() -> None:
    """Measure and print."""
    show(looks(say_to_stderr, finished=int(sys.argv[1]) if sys.argv[1:] else FINISHED))


if __name__ == "__main__":
    main()
