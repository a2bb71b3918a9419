"""From the end of an outage to agreement: `python -m benchmarks.outage [EVENTS [RATE [SECONDS]]]`.

What is real: Cobalt answers 503 while the events are published and workers meet it, and from its recovery on everything
runs as it is. What is simulated: the hour. The outage lasts for a minute or two, long enough for probes to be as far
apart as they get; then its times are moved back by what is left of an hour, and where workers went on trying all
through it, each waiting event gets the attempts and the due time that an hour of failed tries leaves.
"""

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import Fleet, Plan, database_server, fleet, machine_load, say_to_stderr, show, sleep_until
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import database_clock, reading
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.workers.demo.compare import compare, read_mirror
from cobalt_mirror.workers.outcomes import backoff
from tests.waiting import wait_until

EVENTS = 10_000
RATE = 20.0
#: By then the probes are as far apart as they become.
OUTAGE_SECONDS = 90.0
HOUR = timedelta(hours=1)
#: An account's events, and the calls that they need once they are folded.
_EVENTS_EACH, _CALLS_EACH = 3, 3
#: More calls a second than this toward the end of an outage mean that workers do not stop trying.
_TRYING_A_SECOND = 1.0
_LOOK_BACK_SECONDS = 20.0


def time_to_agreement(
    say: Say, *, events: int = EVENTS, rate: float = RATE, outage_seconds: float = OUTAGE_SECONDS
) -> Iterator[Figure]:
    """Measure the time for the backlog of an outage, against the time for its calls at the whole limit."""
    plan = Plan(variables={"COBALT_RATE_PER_SECOND": str(rate)})
    accounts = [f"outage-{number:05}" for number in range(events // _EVENTS_EACH)]
    with database_server(POSTGRESQL) as server, fleet(server, plan) as running:
        running.cobalt.set(rate_per_second=rate)
        say(f"an outage of {outage_seconds:g} s, in which {len(accounts) * _EVENTS_EACH:,} events are published")
        outage = _outage(running, accounts, outage_seconds)
        say(f"Cobalt is back; the backlog needs {len(accounts) * _CALLS_EACH / rate:g} s at the limit")
        took, calls = _recover(running, accounts)
    needed = len(accounts) * _CALLS_EACH / rate
    yield Figure(
        name="time to agreement after an hour of outage",
        database=POSTGRESQL,
        value=round(took / needed, 3),
        unit="x",
        against=f"the backlog's calls at {rate:g} a second",
        detail={
            "events": len(accounts) * _EVENTS_EACH,
            "seconds": round(took, 1),
            "seconds at the limit": needed,
            "calls needed": len(accounts) * _CALLS_EACH,
            "calls made": calls,
            "real seconds of outage": outage_seconds,
            "calls during it": outage.calls,
            "workers went on trying": outage.went_on_trying,
            "load": machine_load(),
        },
        **at_most(1.1, took / needed, POSTGRESQL),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    calls: int
    went_on_trying: bool


def _outage(running: Fleet, accounts: list[str], seconds: float) -> _Outage:
    """Let Cobalt fail while events are published, and put them into the state after an hour of failures."""
    running.cobalt.set_fault(answer="error", status=503)
    ends = time.monotonic() + seconds
    for start in range(0, len(accounts), 100):
        running.publish(event for account in accounts[start : start + 100] for event in _events(account))
    sleep_until(ends - _LOOK_BACK_SECONDS)
    before = running.cobalt.summary()["calls"]
    sleep_until(ends)
    calls = running.cobalt.summary()["calls"]
    went_on = (calls - before) / _LOOK_BACK_SECONDS > _TRYING_A_SECOND
    with running.engine.begin() as connection:
        _move_back(connection, HOUR - timedelta(seconds=seconds))
        if went_on:
            _as_after_an_hour_of_tries(connection, running)
    return _Outage(calls=calls, went_on_trying=went_on)


def _events(account: str) -> list[Event]:
    """Return a sign-up (one call) and two changes of one config (two calls together)."""
    return [
        UserSignedUp(account, name=account.title(), udf={"plan": "pro"}),
        ConfigChanged(account, "slack", fields={"channel": "general"}),
        ConfigChanged(account, "slack", fields={"channel": account}),
    ]


def _recover(running: Fleet, accounts: list[str]) -> tuple[float, int]:
    """End the outage; return the seconds until the mirror agrees, and the number of calls."""
    before = running.cobalt.summary()["calls"]
    running.cobalt.clear_faults()
    began = time.monotonic()
    wait_until(lambda: not running.count_pending(), timeout_seconds=7_200)
    took, calls = time.monotonic() - began, running.cobalt.summary()["calls"] - before
    with reading(running.engine).begin() as connection:
        differences = compare(read_mirror(connection, accounts), running.cobalt.state())
    if differences:
        raise RuntimeError(f"the mirror differs from Cobalt: {differences[0]}")
    return took, calls


# --- the hour ---------------------------------------------------------------------------------------------------------


def _move_back(connection: Connection, by: timedelta) -> None:
    """Backdate the waiting events."""
    log = tables.events
    waiting = select(log.c.source, log.c.id, log.c.occurred_at, log.c.recorded_at, log.c.retrying_since).where(
        log.c.status == "pending"
    )
    rows = [
        {
            "b_source": row.source,
            "b_id": row.id,
            "occurred_at": row.occurred_at - by,
            "recorded_at": row.recorded_at - by,
        }
        | {"retrying_since": None if row.retrying_since is None else row.retrying_since - by}
        for row in connection.execute(waiting)
    ]
    _update(connection, rows)


def _as_after_an_hour_of_tries(connection: Connection, running: Fleet) -> None:
    """Put the waiting events into the state after an hour of failures."""
    log, now, chance = tables.events, database_clock(connection), random.Random(0)
    waiting = select(log.c.source, log.c.id, log.c.linked_account_id, log.c.slug).where(log.c.status == "pending")
    subjects: dict[tuple[str, str | None], tuple[int, datetime]] = {}
    rows = []
    for row in connection.execute(waiting):
        subject = (row.linked_account_id, row.slug)
        if subject not in subjects:
            subjects[subject] = _after_tries(running, now, chance)
        attempts, due_at = subjects[subject]
        rows.append({"b_source": row.source, "b_id": row.id, "attempts": attempts, "due_at": due_at})
    _update(connection, [row | {"retrying_since": now - HOUR} for row in rows])


def _after_tries(running: Fleet, now: datetime, chance: random.Random) -> tuple[int, datetime]:
    """Return how often a subject was tried within the hour at the rate limit, and when it is due next."""
    attempts, due_at = 0, now - HOUR
    while due_at <= now:
        due_at += backoff(
            attempts,
            base_seconds=running.settings.retry_base_seconds,
            cap_seconds=running.settings.retry_cap_seconds,
            chance=chance.random,
        )
        attempts += 1
    return attempts, due_at


def _update(connection: Connection, rows: list[dict[str, object]]) -> None:
    if not rows:
        return
    log = tables.events
    names = [name for name in rows[0] if not name.startswith("b_")]
    statement = (
        update(log)
        .where(log.c.source == bindparam("b_source"), log.c.id == bindparam("b_id"), log.c.status == "pending")
        .values({name: bindparam(name) for name in names})
    )
    connection.execute(statement, rows)


def main() -> None:
    """Measure and print."""
    numbers = [float(word) for word in sys.argv[1:]]
    events, rate, seconds = numbers + [EVENTS, RATE, OUTAGE_SECONDS][len(numbers) :]
    show(time_to_agreement(say_to_stderr, events=int(events), rate=rate, outage_seconds=seconds))


if __name__ == "__main__":
    main()
