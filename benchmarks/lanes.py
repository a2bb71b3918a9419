"""Live work while a reconciliation runs: `python -m benchmarks.lanes [ACCOUNTS [SECONDS]]`.

Cobalt has so many accounts that the mirror does not know; `cobalt-mirror reconcile` walks their listing and adopts
them, which is a page of a hundred and a transaction a call and keeps the bulk lane busy from the first second to the
last.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from benchmarks.figures import Figure, at_least
from benchmarks.fleet import Fleet, Plan, database_server, fleet, say_to_stderr, show
from benchmarks.live import live_events, p95_beside, prepare
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.events import Event, UserSignedUp
from tests.waiting import wait_until

ACCOUNTS = 100_000
SECONDS = 40.0
RATE = 20
_BACKLOG_SECONDS = 20.0


def lanes(say: Say, *, accounts: int = ACCOUNTS, seconds: float = SECONDS) -> Iterator[Figure]:
    """Measure the cost of a reconciliation for live events, and its own share while live work has a backlog."""
    say(f"filling the sandbox with {accounts:,} accounts")
    with database_server(POSTGRESQL) as server, fleet(server, Plan(accounts=accounts)) as running:
        prepare(running)
        say(f"live events without a reconciliation, {seconds / 2:g} s")
        alone = live_events(running, seconds / 2, "before")
        with _reconciliation(running):
            say(f"live events with a reconciliation, {seconds:g} s")
            before = _pages(running)
            beside = live_events(running, seconds, "beside")
            pages = _pages(running) - before
            say(f"a reconciliation beside a backlog of live events, {_BACKLOG_SECONDS:g} s")
            got = _beside_a_backlog(running)
        running.wait_until_done()
        say(f"live events without it again, {seconds / 2:g} s")
        alone += live_events(running, seconds / 2, "after")
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
    detail = {"pages a second": round(pages_a_second, 1), "accounts": accounts}
    return p95_beside("a reconciliation", POSTGRESQL, alone=alone, beside=beside, detail=detail)


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
