"""Live work while old events are deleted: `python -m benchmarks.pruning [EVENTS]`.

The log holds so many finished events of sign-ups, ten an account, from a hundred days ago. `cobalt-mirror prune`
deletes nine of ten, and keeps each account's newest.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, insert, select, text

from benchmarks.figures import Figure
from benchmarks.fleet import Fleet, Plan, database_server, fleet, say_to_stderr, show
from benchmarks.live import live_events, p95_beside, prepare
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.tables import events

EVENTS = 1_000_000
_EACH = 10
_ALONE_SECONDS, _PART_SECONDS = 40.0, 10.0
_BATCH = 10_000
_SOURCE = "past"


def measure(database: str, say: Say, *, count: int = EVENTS) -> Iterator[Figure]:
    """Measure live events before, beside and after a `prune` from its first batch to its end."""
    with database_server(database) as server, fleet(server, Plan()) as running:
        say(f"filling the log with {count:,} finished events")
        _fill(running.engine, count)
        prepare(running)
        say(f"live events alone, {_ALONE_SECONDS:g} s")
        alone = live_events(running, _ALONE_SECONDS, "before")
        began = time.monotonic()
        process = running.run("prune")
        beside = _beside(running, process, say)
        seconds = time.monotonic() - began
        left = _count(running.engine)
        say(f"live events alone again, {_ALONE_SECONDS:g} s")
        alone += live_events(running, _ALONE_SECONDS, "after")
    if left != count // _EACH:
        raise RuntimeError(f"prune left {left:,} of {count:,} old events, not one of {_EACH}")
    detail = {"events": count, "deleted": count - left, "seconds of prune": round(seconds)}
    yield p95_beside("prune", database, alone=alone, beside=beside, detail=detail)


def _beside(running: Fleet, process: subprocess.Popen[bytes], say: Say) -> list[float]:
    """Publish for as long as `prune` runs; the part in which it ends counts as well."""
    took: list[float] = []
    part = 0
    while process.poll() is None:
        say(f"live events beside prune, {_count(running.engine):,} old events are left")
        took += live_events(running, _PART_SECONDS, f"beside {part}")
        part += 1
    running.reaper.forget(process.pid)
    if process.returncode != 0:
        raise RuntimeError(f"prune ended with {process.returncode}")
    return took


def _fill(engine: Engine, count: int) -> None:
    began = datetime.now(UTC) - timedelta(days=100)
    for first in range(0, count, _BATCH):
        with engine.begin() as connection:
            connection.execute(
                insert(events), [_event(number, count, began) for number in range(first, first + _BATCH)]
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _event(number: int, count: int, began: datetime) -> dict[str, object]:
    at = began + timedelta(milliseconds=number)
    times = dict.fromkeys(("occurred_at", "recorded_at", "due_at", "finished_at"), at)
    account = f"past-{number % (count // _EACH)}"
    what = {"type": "user_signed_up", "linked_account_id": account, "payload": {"name": f"Customer {number}"}}
    return {**times, **what, "source": _SOURCE, "id": f"past-{number}", "status": EventStatus.DONE}


def _count(engine: Engine) -> int:
    with reading(engine).begin() as connection:
        past = select(func.count()).select_from(events).where(events.c.source == _SOURCE)
        return connection.execute(past).scalar_one()


def main() -> None:
    """Measure and print."""
    show(measure(POSTGRESQL, say_to_stderr, count=int(sys.argv[1]) if sys.argv[1:] else EVENTS))


if __name__ == "__main__":
    main()
