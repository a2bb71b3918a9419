"""Live work while a reconciliation runs: `python -m benchmarks.lanes [ACCOUNTS [SECONDS]]`.

Cobalt has so many accounts that the mirror does not know; `cobalt-mirror reconcile` walks their listing and adopts
them, which is a page of a hundred and a transaction a call and keeps the bulk lane busy from the first second to the
last.
"""

import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select

from benchmarks.figures import Figure, at_least
from benchmarks.fleet import (
    Fleet,
    Plan,
    database_server,
    fleet,
    machine_load,
    percentile,
    say_to_stderr,
    show,
    sleep_until,
)
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from tests.waiting import wait_until

ACCOUNTS = 100_000
SECONDS = 40.0
RATE = 20
EVENTS_A_SECOND = 3.0
_BACKLOG_SECONDS = 20.0
_LIVE = [f"live-{number:02}" for number in range(60)]


def lanes(say: Say, *, accounts: int = ACCOUNTS, seconds: float = SECONDS) -> Iterator[Figure]:
    """Measure the cost of a reconciliation for live events, and its own share while live work has a backlog."""
    say(f"filling the sandbox with {accounts:,} accounts")
    with database_server(POSTGRESQL) as server, fleet(server, Plan(accounts=accounts)) as running:
        _prepare(running)
        say(f"live events without a reconciliation, {seconds / 2:g} s")
        alone = _live_events(running, seconds / 2, "before")
        with _reconciliation(running):
            say(f"live events with a reconciliation, {seconds:g} s")
            before = _pages(running)
            beside = _live_events(running, seconds, "beside")
            pages = _pages(running) - before
            say(f"a reconciliation beside a backlog of live events, {_BACKLOG_SECONDS:g} s")
            got = _beside_a_backlog(running)
        running.wait_until_done()
        say(f"live events without it again, {seconds / 2:g} s")
        alone += _live_events(running, seconds / 2, "after")
    yield _cost(alone, beside, pages / seconds, accounts)
    share = 100 * got / (RATE * _BACKLOG_SECONDS)
    yield Figure(
        name="the reconciliation's part of the limit while live work has a backlog",
        database=POSTGRESQL,
        value=round(share, 1),
        unit="%",
        against=f"{RATE} calls a second",
        detail={"pages": got, "seconds": _BACKLOG_SECONDS},
        **at_least(10, share, POSTGRESQL),
    )


def _cost(alone: list[float], beside: list[float], pages_a_second: float, accounts: int) -> Figure:
    ratio = percentile(beside, 0.95) / percentile(alone, 0.95)
    return Figure(
        name="publish to mirror p95 while a reconciliation runs",
        database=POSTGRESQL,
        value=round(ratio, 2),
        unit="x",
        against="without one",
        bar="under 2",
        holds=ratio < 2,
        detail={
            "alone": _described(alone),
            "beside": _described(beside),
            "pages a second": round(pages_a_second, 1),
            "accounts": accounts,
            "load": machine_load(),
        },
    )


def _described(took: list[float]) -> dict[str, int]:
    shares = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {"events": len(took)} | {f"{name} ms": round(percentile(took, share)) for name, share in shares.items()}


# --- live work --------------------------------------------------------------------------------------------------------


def _prepare(running: Fleet) -> None:
    running.publish(UserSignedUp(account, name="before") for account in _LIVE)
    running.publish(ConfigChanged(account, "slack", fields={"channel": "before"}) for account in _LIVE)
    running.wait_until_done()


def _live_events(running: Fleet, seconds: float, source: str) -> list[float]:
    """Publish at a steady rate with jitter, and return the time of each event to the mirror, in milliseconds.

    Both times are the database's: of the event's row, and of the transaction that changed the mirror.
    """
    chance, began = random.Random(source), time.monotonic()
    count = int(EVENTS_A_SECOND * seconds)
    for number in range(count):
        sleep_until(began + (number + chance.random()) / EVENTS_A_SECOND)
        running.publish([_event(number, source)])
    wait_until(lambda: len(_times(running, source)) == count)
    return [(end - start).total_seconds() * 1_000 for start, end in _times(running, source)]


def _event(number: int, source: str) -> Event:
    account, text = _LIVE[number % len(_LIVE)], f"{source} {number}"
    if number % 2:
        return ConfigChanged(account, "slack", fields={"channel": text}, source=source)
    return UserSignedUp(account, name=text, source=source)


def _times(running: Fleet, source: str) -> list[tuple[datetime, datetime]]:
    log = tables.events
    ended = select(log.c.recorded_at, log.c.finished_at).where(log.c.source == source, log.c.finished_at.is_not(None))
    with reading(running.engine).begin() as connection:
        return [(row.recorded_at, row.finished_at) for row in connection.execute(ended)]


# --- the reconciliation -----------------------------------------------------------------------------------------------


@contextmanager
def _reconciliation(running: Fleet) -> Iterator[None]:
    """Run a reconciliation for the whole block; raise if it ends earlier."""
    process = running.run("reconcile")
    wait_until(lambda: _pages(running) > 2)
    yield
    if process.poll() is not None:
        raise RuntimeError(f"the reconciliation ended too soon, with status {process.returncode}: use more accounts")
    process.terminate()
    process.wait()
    running.reaper.forget(process.pid)


def _pages(running: Fleet) -> int:
    pages: int = running.cobalt.summary()["by_route_and_status"].get("list_accounts", {}).get("200", 0)
    return pages


def _beside_a_backlog(running: Fleet) -> int:
    """Return how many pages a reconciliation reads while live work could use the whole limit."""
    running.publish(_backlog(int(RATE * (_BACKLOG_SECONDS + 10))))
    time.sleep(4)
    before = _pages(running)
    time.sleep(_BACKLOG_SECONDS)
    got = _pages(running) - before
    if not running.count_pending():
        raise RuntimeError("the backlog is used up; publish more events")
    return got


def _backlog(count: int) -> Iterable[Event]:
    return (UserSignedUp(f"backlog-{number:05}", name="Backlog") for number in range(count))


def main() -> None:
    """Measure and print."""
    accounts = int(sys.argv[1]) if sys.argv[1:] else ACCOUNTS
    show(lanes(say_to_stderr, accounts=accounts, seconds=float(sys.argv[2]) if sys.argv[2:] else SECONDS))


if __name__ == "__main__":
    main()
