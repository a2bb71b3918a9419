"""The plan's harm: when what is killed, stopped, flushed, paused, restarted, and what Cobalt's weather is like."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.chaos.options import Database, Options
from tests.chaos.steps import Harm, Reconcile, What

WORKERS = ("worker1", "worker2")
RELAYS = ("relay1", "relay2")
#: Who is harmed, the likelier the more often it is named.
_TARGETS = (*WORKERS, *WORKERS, *WORKERS, *RELAYS, "web")
#: No effect lands later than this after its call, in seconds; DELAYED_WRITE_SECONDS of the run is more.
LATEST_EFFECT_SECONDS = 6.0
#: Reconciliations are killed in the first part of the run only: a killed one keeps its place for two minutes.
_RECONCILES_KILLED_UNTIL = 0.35

Rule = dict[str, Any]


def plan_harm(options: Options) -> Iterator[Harm | Reconcile]:
    """Everything that fails in a run, in no order."""
    chance, rates = Random(f"{options.seed}/harm"), options.rates
    for number, at in enumerate(_moments(chance, options, rates.kills)):
        yield Harm(at=at, what=What.KILL, number=number, **_aim(chance))
    for number, at in enumerate(_moments(chance, options, rates.stops)):
        yield from _stop(chance, options, at, number)
    for number, at in enumerate(_moments(chance, options, rates.terms)):
        yield Harm(at=at, what=What.TERM, number=number, **_aim(chance))
    yield from _redis(chance, options)
    if options.database is Database.POSTGRESQL:
        for number, at in enumerate(_moments(chance, options, rates.postgres_restarts)):
            yield Harm(
                at=at, what=What.POSTGRES_STOP, number=number, mode=chance.choice(("immediate", "immediate", "fast"))
            )
            yield Harm(at=at + chance.uniform(0.2, 4), what=What.POSTGRES_START, number=number)
    yield from _cobalt(chance, options)
    for at in _moments(chance, options, rates.reconciles):
        is_killed = chance.random() < 0.4 and at < options.duration * _RECONCILES_KILLED_UNTIL
        yield Reconcile(at=at, killed_after=chance.uniform(1.5, 8) if is_killed else None)


def _moments(chance: Random, options: Options, rate: float) -> list[float]:
    """Moments at random, one in each of as many equal parts of the run; its beginning and its end are spared."""
    times, first, last = options.times(rate), 3.0, options.duration - 1.0
    part = (last - first) / max(times, 1)
    return [first + part * (number + chance.random()) for number in range(times)]


def _aim(chance: Random) -> dict[str, Any]:
    target = chance.choice(_TARGETS)
    picks_child = target in WORKERS and chance.random() < 0.5
    return {"target": target, "pick": chance.random() if picks_child else None}


def _stop(chance: Random, options: Options, at: float, number: int) -> Iterator[Harm]:
    """Mostly for a moment, sometimes for longer than a lease."""
    seconds = chance.uniform(16, 40) if chance.random() < 0.5 else chance.uniform(1, 8)
    aim = _aim(chance)
    yield Harm(at=at, what=What.STOP, number=number, **aim)
    yield Harm(at=min(at + seconds, options.duration), what=What.GO_ON, number=number, **aim)


def _redis(chance: Random, options: Options) -> Iterator[Harm]:
    rates = options.rates
    for number, at in enumerate(_moments(chance, options, rates.redis_kills)):
        yield Harm(at=at, what=What.REDIS_KILL, number=number)
        yield Harm(at=at + chance.uniform(0.2, 4), what=What.REDIS_START, number=number)
    for number, at in enumerate(_moments(chance, options, rates.redis_flushes)):
        yield Harm(at=at, what=What.REDIS_FLUSH, number=number)
    for number, at in enumerate(_moments(chance, options, rates.redis_pauses)):
        seconds = chance.uniform(0.5, 8)
        if chance.random() < 0.5:
            yield Harm(at=at, what=What.REDIS_PAUSE, number=number, seconds=seconds)
        else:
            yield Harm(at=at, what=What.REDIS_STOP, number=number)
            yield Harm(at=at + seconds, what=What.REDIS_GO_ON, number=number)


# --- Cobalt -----------------------------------------------------------------------------------------------------------

_LATENCY: Rule = {"answer": "latency", "min_ms": 20, "max_ms": 250}
_OUTAGES: tuple[Rule, ...] = (
    {"answer": "closed"},
    {"answer": "error", "status": 503},
    {"answer": "html", "status": 502},
    {"answer": "timeout"},
)


def _cobalt(chance: Random, options: Options) -> Iterator[Harm]:
    yield Harm(at=0.0, what=What.WEATHER, number=-1, faults=(_LATENCY,))
    for number, at in enumerate(_moments(chance, options, options.rates.weathers)):
        yield Harm(at=at, what=What.WEATHER, number=number, faults=tuple(_weather(chance, options.faults)))
    for number, at in enumerate(_moments(chance, options, options.rates.outages)):
        yield Harm(at=at, what=What.OUTAGE, number=number, faults=(chance.choice(_OUTAGES),))
        yield Harm(at=min(at + chance.uniform(5, 20), options.duration), what=What.OUTAGE_ENDS, number=number)


def _weather(chance: Random, most: float) -> list[Rule]:
    """A few kinds of faults at a time, each on some share of the calls."""
    late = {"effect": "later", "later_seconds": round(chance.uniform(0.5, LATEST_EFFECT_SECONDS), 2)}
    kinds: list[Rule] = [
        {"answer": "error", "status": 500},
        {"answer": "error", "status": 503, "effect": "done"},
        {"answer": "closed", "effect": "done"},
        {"answer": "closed"},
        {"answer": "timeout", "effect": "done"},
        {"answer": "timeout", "method": "PUT", **late},
        {"answer": "error", "status": 504, "method": "POST", **late},
        {"answer": "timeout", "method": "DELETE", **late},
        {"answer": "throttle"},
        {"answer": "html", "status": 502},
        {"answer": "truncated"},
    ]
    slow = {**_LATENCY, "max_ms": chance.choice((100, 250, 500, 1500))}
    chosen = chance.sample(kinds, chance.randint(0, 4))
    return [slow, *({**rule, "share": round(chance.uniform(most / 4, most), 3)} for rule in chosen)]
