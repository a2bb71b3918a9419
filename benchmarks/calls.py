"""Calls to Cobalt per event over the demo's mix: `python -m benchmarks.calls [CUSTOMERS]`."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from sqlalchemy import Table, func, select

from benchmarks.figures import Figure
from benchmarks.fleet import Fleet, Plan, database_server, fleet, say_to_stderr, show
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import Event
from cobalt_mirror.workers.clients import create_client, create_governor
from cobalt_mirror.workers.demo.compare import compare, read_mirror
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.journey import Customer
from cobalt_mirror.workers.reconcile.calls import CallCounter
from cobalt_mirror.workers.redis_clients import create_governor_redis
from tests.waiting import wait_until

CUSTOMERS = 100
_AT_ONCE = 8
_SEED = 1


def per_event(say: Say, *, customers: int = CUSTOMERS) -> Iterator[Figure]:
    """Measure the workers' calls per published event, including the catalogue, without the host's calls."""
    say(f"{customers} customers of the demo run under Cobalt's limit")
    # No write reaches the sandbox late, so a read after a lost answer need not wait for a minute.
    plan = Plan(variables={"DELAYED_WRITE_SECONDS": "3"})
    with database_server(POSTGRESQL) as server, fleet(server, plan) as running:
        events, own = _let_them_live(running, customers)
        summary = running.cobalt.summary()
        _check(running)
    calls = summary["calls"] - own
    value = calls / events
    yield Figure(
        name="calls per event over the demo's mix",
        database=POSTGRESQL,
        value=round(value, 2),
        unit="calls",
        against="one call an event is 1, one GET and one write an event is 2",
        bar="below 2",
        holds=value < 2,
        detail={
            "events": events,
            "workers' calls": calls,
            "host's calls": own,
            "by route, both": summary["by_route"],
            "429s": summary["by_status"].get("429", 0),
        },
    )


@dataclass(slots=True, kw_only=True)
class _Host(Host):
    """The demo's host, publishing into this fleet."""

    running: Fleet

    def publish(self, *events: Event) -> None:
        self.running.publish(events)


def _let_them_live(running: Fleet, customers: int) -> tuple[int, int]:
    """Run the customers until all is handled; return the number of events published and of calls by the host."""
    with ExitStack() as stack:
        redis = stack.enter_context(create_governor_redis(running.settings))
        counter = CallCounter(create_governor(redis, running.settings))
        client = stack.enter_context(create_client(running.settings, governor=counter))
        browser = stack.enter_context(httpx.Client(trust_env=False))
        host = _Host(engine=running.engine, client=client, governor=counter, browser=browser, running=running)
        threads = stack.enter_context(ThreadPoolExecutor(_AT_ONCE))
        stack.callback(host.closing.set)
        everybody = [Customer.numbered(number, seed=_SEED, host=host) for number in range(1, customers + 1)]
        for journey in [threads.submit(customer.live) for customer in everybody]:
            journey.result()
        wait_until(lambda: not running.count_pending() and not _count(running, tables.checks), timeout_seconds=120)
        return _count(running, tables.events), counter.calls


def _count(running: Fleet, table: Table) -> int:
    with reading(running.engine).begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _check(running: Fleet) -> None:
    """Check that the mirror agrees with Cobalt."""
    state = running.cobalt.state()
    with reading(running.engine).begin() as connection:
        mirror = read_mirror(connection, (row["linked_account_id"] for row in state["accounts"]))
    differences = compare(mirror, state)
    if differences:
        raise RuntimeError(f"the mirror differs from Cobalt: {differences[0]}")


def main() -> None:
    """Measure and print."""
    show(per_event(say_to_stderr, customers=int(sys.argv[1]) if sys.argv[1:] else CUSTOMERS))


if __name__ == "__main__":
    main()
