"""How well Cobalt's limit is used: `python -m benchmarks.limit [SECONDS [PROCESSES ...]]`."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.figures import Figure, at_least, at_most
from benchmarks.fleet import Fleet, Plan, database_server, fleet, machine_load, say_to_stderr, show
from benchmarks.place import POSTGRESQL, Say
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp

RATE, BURST = 20, 5
LONGEST_DELAY_MS = 50.0
SECONDS = 60.0
PROCESSES = (1, 2, 8)
#: Seconds of warm-up before calls are counted.
_WARM_UP_SECONDS = 5.0


def use_of_the_limit(say: Say, *, seconds: float = SECONDS, processes: Iterable[int] = PROCESSES) -> Iterator[Figure]:
    """Measure calls against the limit, and calls beyond it, with a lasting backlog and a slow network."""
    for number in processes:
        say(f"use of the limit with {number} worker processes, {seconds:g} s")
        plan = Plan(longest_delay_ms=LONGEST_DELAY_MS, variables={"WORKER_PROCESSES": str(number)})
        with database_server(POSTGRESQL) as server, fleet(server, plan) as running:
            yield from _measure(running, seconds, number)


def _measure(running: Fleet, seconds: float, processes: int) -> Iterator[Figure]:
    running.publish(_backlog(int(RATE * (seconds + 2 * _WARM_UP_SECONDS))))
    time.sleep(_WARM_UP_SECONDS)
    before, began = running.cobalt.summary(), time.monotonic()
    time.sleep(seconds)
    after, took = running.cobalt.summary(), time.monotonic() - began
    if not running.count_pending():
        raise RuntimeError("the backlog is used up; publish more events")
    throttled = after["by_status"].get("429", 0)
    calls = after["calls"] - before["calls"] - (throttled - before["by_status"].get("429", 0))
    used = 100 * calls / (RATE * took)
    detail = {"calls": calls, "seconds": round(took, 2), "processes": processes, "load": machine_load()}
    detail["calls by second"] = _spread(running, before["calls"])
    yield Figure(
        name=f"use of the limit, {processes} worker processes",
        database=POSTGRESQL,
        value=round(used, 1),
        unit="%",
        against=f"{RATE} calls a second",
        detail=detail,
        **at_least(95, used, POSTGRESQL),
    )
    yield Figure(
        name=f"calls beyond the limit, {processes} worker processes",
        database=POSTGRESQL,
        value=throttled,
        unit="429s",
        against=f"the sandbox's token bucket, {RATE} a second and {BURST} at once",
        detail={"longest delay of a piece in ms": LONGEST_DELAY_MS},
        **at_most(0, throttled, POSTGRESQL),
    )


def _backlog(calls: int) -> list[Event]:
    """Return events that need at least so many calls: new accounts (one each) with a config each (two)."""
    accounts = [f"limit-{number:05}" for number in range(calls // 3 + 1)]
    return [
        event
        for account in accounts
        for event in (
            UserSignedUp(account, name=f"Customer {account}", udf={"plan": "pro"}),
            ConfigChanged(account, "slack", fields={"channel": account}),
        )
    ]


def _spread(running: Fleet, after: int) -> dict[str, int]:
    """Return the fewest and the most calls in one second of the clock, without the first and the last second."""
    seconds = Counter(call["at"][:19] for call in running.cobalt.calls(after=after))
    whole = [seconds[second] for second in sorted(seconds)[1:-1]]
    return {"fewest": min(whole), "most": max(whole)}


def main() -> None:
    """Measure and print."""
    words: list[Any] = sys.argv[1:]
    seconds = float(words[0]) if words else SECONDS
    processes = [int(word) for word in words[1:]] or PROCESSES
    show(use_of_the_limit(say_to_stderr, seconds=seconds, processes=processes))


if __name__ == "__main__":
    main()
