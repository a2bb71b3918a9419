"""Live events at a steady rate, and what something else that runs costs them."""

import random
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from benchmarks.figures import Figure
from benchmarks.fleet import Fleet, machine_load, percentile, sleep_until
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from tests.waiting import wait_until

EVENTS_A_SECOND = 3.0
_LIVE = [f"live-{number:02}" for number in range(60)]


def prepare(running: Fleet) -> None:
    """Sign up the accounts of the live events."""
    running.publish(UserSignedUp(account, name="before") for account in _LIVE)
    running.publish(ConfigChanged(account, "slack", fields={"channel": "before"}) for account in _LIVE)
    running.wait_until_done()


def live_events(running: Fleet, seconds: float, source: str) -> list[float]:
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


def p95_beside(
    what: str, database: str, *, alone: list[float], beside: list[float], detail: Mapping[str, Any]
) -> Figure:
    """Compare the slowest events but one in twenty, beside something and without it: under twice is the bar."""
    ratio = percentile(beside, 0.95) / percentile(alone, 0.95)
    return Figure(
        name=f"publish to mirror p95 while {what} runs",
        database=database,
        value=round(ratio, 2),
        unit="x",
        against="without one",
        bar="under 2",
        holds=ratio < 2,
        detail={"alone": _described(alone), "beside": _described(beside), **detail, "load": machine_load()},
    )


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


def _described(took: list[float]) -> dict[str, int]:
    shares = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {"events": len(took)} | {f"{name} ms": round(percentile(took, share)) for name, share in shares.items()}
