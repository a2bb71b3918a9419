"""Ordinary customers beside accounts that fail for ever: `python -m benchmarks.shares [FAILING [ORDINARY [RATE]]]`.

A third of the failing accounts gets a 500 from Cobalt for every call. A third fails by an error of ours: their row in
the mirror has a time that Python lacks. A third loses its leases: whenever a worker ends an attempt at one, its row
looks as if the worker had died in it, and Cobalt answers with 500. All of them have failed before, and are due at the
moment at which the ordinary customers' events are published.
"""

import sys
import time
from collections.abc import Iterator

from sqlalchemy import func, select, text, update

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import Fleet, Plan, database_server, fleet, machine_load, say_to_stderr, show
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from tests.waiting import wait_until

FAILING = 1_000
ORDINARY = 100
RATE = 20.0
#: The calls of an ordinary customer's events.
_CALLS_EACH = 3


def beside_failing_accounts(
    say: Say, *, failing: int = FAILING, ordinary: int = ORDINARY, rate: float = RATE
) -> Iterator[Figure]:
    """Measure how long ordinary customers' events take beside accounts that fail, against how long they take alone."""
    plan = Plan(variables={"COBALT_RATE_PER_SECOND": str(rate)})
    with database_server(POSTGRESQL) as server, fleet(server, plan) as running:
        running.cobalt.set(rate_per_second=rate)
        say(f"{ordinary} customers to warm up")
        _serve(running, "warm-up", ordinary)  # else the first calls and connections make "alone" longer
        say(f"{ordinary} customers alone")
        alone = _serve(running, "alone", ordinary)
        say(f"{failing:,} accounts begin to fail")
        _have_fail(running, failing)
        before = _attempts(running), running.cobalt.summary()["calls"]
        say(f"{ordinary} customers beside them")
        _make_due(running)
        beside = _serve(running, "beside", ordinary)
        attempts, calls = _attempts(running) - before[0], running.cobalt.summary()["calls"] - before[1]
    yield Figure(
        name=f"time for {ordinary} customers beside {failing:,} accounts that fail for ever",
        database=POSTGRESQL,
        value=round(beside / alone, 3),
        unit="x",
        against="without them",
        detail={
            "alone s": round(alone, 1),
            "beside s": round(beside, 1),
            "calls beside": calls,
            "calls of the customers": ordinary * _CALLS_EACH,
            "failed attempts beside": attempts,
            "rate": rate,
            "load": machine_load(),
        },
        **at_most(2, beside / alone, POSTGRESQL),
    )


def _serve(running: Fleet, name: str, number: int) -> float:
    """Publish customers' events, and return the seconds until all of them are carried out."""
    began = time.monotonic()
    running.publish(event for each in range(number) for event in _events(f"{name}-{each:04}"))
    wait_until(lambda: _count(running, f"{name}-%", is_finished=True) == 3 * number, timeout_seconds=600)
    return time.monotonic() - began


def _events(account: str) -> list[Event]:
    """Return a sign-up (one call) and two changes of one config (two calls together)."""
    return [
        UserSignedUp(account, name=account.title(), udf={"plan": "pro"}),
        ConfigChanged(account, "slack", fields={"channel": "general"}),
        ConfigChanged(account, "slack", fields={"channel": account}),
    ]


def _have_fail(running: Fleet, number: int) -> None:
    """Have accounts fail for ever, and wait until each of them has failed."""
    names = ("failing-cobalt", "failing-us", "failing-lost")
    accounts = [f"{names[each % 3]}-{each:04}" for each in range(number)]
    by_us, others = accounts[1::3], [*accounts[::3], *accounts[2::3]]
    running.cobalt.http.put(
        "/_sandbox/faults", json=[{"status": 500, "linked_account_id": account} for account in others]
    ).raise_for_status()
    insert = "INSERT INTO cobalt_mirror.linked_accounts (linked_account_id, status, verified_at) VALUES "
    with running.engine.begin() as connection:
        connection.execute(text(insert + ", ".join(f"('{account}', 'active', 'infinity')" for account in by_us)))
        for statement in _LOSE_LEASES:
            connection.exec_driver_sql(statement)
    running.publish(UserSignedUp(account, name="Failing", udf={}) for account in accounts)
    wait_until(lambda: _count(running, "failing-%", has_failed=True) == number, timeout_seconds=600)


#: Have each lease that a worker gives back on one of these accounts be there again, lapsed, as of one that died.
_LOSE_LEASES = (
    """
    CREATE FUNCTION lose_lease() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO cobalt_mirror.work (linked_account_id, slug, lease_token, leased_until)
        VALUES (OLD.linked_account_id, OLD.slug, 'of one that died', now()) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER lose_lease AFTER DELETE ON cobalt_mirror.work FOR EACH ROW
    WHEN (OLD.lease_token IS NOT NULL AND OLD.linked_account_id LIKE 'failing-lost-%') EXECUTE FUNCTION lose_lease()
    """,
)


def _make_due(running: Fleet) -> None:
    log = tables.events
    with running.engine.begin() as connection:
        connection.execute(update(log).where(log.c.status == "pending").values(due_at=func.now()))


def _attempts(running: Fleet) -> int:
    log = tables.events
    with reading(running.engine).begin() as connection:
        attempts = select(func.sum(log.c.attempts)).where(log.c.linked_account_id.like("failing-%"))
        return int(connection.execute(attempts).scalar_one())


def _count(running: Fleet, accounts: str, *, is_finished: bool = False, has_failed: bool = False) -> int:
    log = tables.events
    counted = select(func.count()).select_from(log).where(log.c.linked_account_id.like(accounts))
    if is_finished:
        counted = counted.where(log.c.finished_at.is_not(None))
    if has_failed:
        counted = counted.where(log.c.attempts > 0)
    with reading(running.engine).begin() as connection:
        return connection.execute(counted).scalar_one()


def main() -> None:
    """Measure and print."""
    numbers = [float(word) for word in sys.argv[1:]]
    failing, ordinary, rate = numbers + [FAILING, ORDINARY, RATE][len(numbers) :]
    show(beside_failing_accounts(say_to_stderr, failing=int(failing), ordinary=int(ordinary), rate=rate))


if __name__ == "__main__":
    main()
