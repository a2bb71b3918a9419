"""The plan's faults: kills, stops, flushes, pauses, restarts, outages and background faults, with their times."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.chaos.options import Database, Options
from tests.chaos.steps import FaultKind, FaultStep, Reconcile

WORKERS = ("worker1", "worker2")
RELAYS = ("relay1", "relay2")
#: The targets; a target that is named more often is chosen more often.
_TARGETS = (*WORKERS, *WORKERS, *WORKERS, *RELAYS, "web")
#: The longest delay of a late effect after its call, in seconds; DELAYED_WRITE_SECONDS of the run is longer.
LATEST_EFFECT_SECONDS = 6.0
#: Reconciliations are killed in the first part of the run only: a killed one keeps its place for two minutes.
_RECONCILES_KILLED_UNTIL = 0.35

Rule = dict[str, Any]


def plan_faults(options: Options) -> Iterator[FaultStep | Reconcile]:
    """Yield all faults of a run, in no order."""
    chance, rates = Random(f"{options.seed}/harm"), options.rates
    for number, at in enumerate(_moments(chance, options, rates.kills)):
        yield FaultStep(at=at, what=FaultKind.KILL, number=number, **_aim(chance))
    for number, at in enumerate(_moments(chance, options, rates.stops)):
        yield from _stop(chance, options, at, number)
    for number, at in enumerate(_moments(chance, options, rates.terms)):
        yield FaultStep(at=at, what=FaultKind.TERM, number=number, **_aim(chance))
    yield from _redis(chance, options)
    if options.database is Database.POSTGRESQL:
        for number, at in enumerate(_moments(chance, options, rates.postgres_restarts)):
            mode = chance.choice(("immediate", "immediate", "fast"))
            yield FaultStep(at=at, what=FaultKind.POSTGRES_STOP, number=number, mode=mode)
            yield FaultStep(at=at + chance.uniform(0.2, 4), what=FaultKind.POSTGRES_START, number=number)
    yield from _cobalt(chance, options)
    for at in _moments(chance, options, rates.reconciles):
        is_killed = chance.random() < 0.4 and at < options.duration * _RECONCILES_KILLED_UNTIL
        yield Reconcile(at=at, killed_after=chance.uniform(1.5, 8) if is_killed else None)


def _moments(chance: Random, options: Options, rate: float) -> list[float]:
    """Return random times, one in each of as many equal parts of the run, without its very beginning and end."""
    times, first, last = options.times(rate), 3.0, options.duration - 1.0
    part = (last - first) / max(times, 1)
    return [first + part * (number + chance.random()) for number in range(times)]


def _aim(chance: Random) -> dict[str, Any]:
    target = chance.choice(_TARGETS)
    picks_child = target in WORKERS and chance.random() < 0.5
    return {"target": target, "pick": chance.random() if picks_child else None}


def _stop(chance: Random, options: Options, at: float, number: int) -> Iterator[FaultStep]:
    """Yield a stop: half of them for a moment, half for longer than a lease."""
    seconds = chance.uniform(16, 40) if chance.random() < 0.5 else chance.uniform(1, 8)
    aim = _aim(chance)
    yield FaultStep(at=at, what=FaultKind.STOP, number=number, **aim)
    yield FaultStep(at=min(at + seconds, options.duration), what=FaultKind.GO_ON, number=number, **aim)


def _redis(chance: Random, options: Options) -> Iterator[FaultStep]:
    rates = options.rates
    for number, at in enumerate(_moments(chance, options, rates.redis_kills)):
        yield FaultStep(at=at, what=FaultKind.REDIS_KILL, number=number)
        yield FaultStep(at=at + chance.uniform(0.2, 4), what=FaultKind.REDIS_START, number=number)
    for number, at in enumerate(_moments(chance, options, rates.redis_flushes)):
        yield FaultStep(at=at, what=FaultKind.REDIS_FLUSH, number=number)
    for number, at in enumerate(_moments(chance, options, rates.redis_pauses)):
        seconds = chance.uniform(0.5, 8)
        if chance.random() < 0.5:
            yield FaultStep(at=at, what=FaultKind.REDIS_PAUSE, number=number, seconds=seconds)
        else:
            yield FaultStep(at=at, what=FaultKind.REDIS_STOP, number=number)
            yield FaultStep(at=at + seconds, what=FaultKind.REDIS_GO_ON, number=number)


# --- Cobalt -----------------------------------------------------------------------------------------------------------

_LATENCY: Rule = {"answer": "latency", "min_ms": 20, "max_ms": 250}
_OUTAGES: tuple[Rule, ...] = (
    {"answer": "closed"},
    {"answer": "error", "status": 503},
    {"answer": "html", "status": 502},
    {"answer": "timeout"},
)


def _cobalt(chance: Random, options: Options) -> Iterator[FaultStep]:
    yield FaultStep(at=0.0, what=FaultKind.BACKGROUND_FAULTS, number=-1, faults=(_LATENCY,))
    for number, at in enumerate(_moments(chance, options, options.rates.fault_changes)):
        rules = tuple(_background_faults(chance, options.faults))
        yield FaultStep(at=at, what=FaultKind.BACKGROUND_FAULTS, number=number, faults=rules)
    for number, at in enumerate(_moments(chance, options, options.rates.outages)):
        yield FaultStep(at=at, what=FaultKind.OUTAGE, number=number, faults=(chance.choice(_OUTAGES),))
        yield FaultStep(at=min(at + chance.uniform(5, 20), options.duration), what=FaultKind.OUTAGE_ENDS, number=number)


def _background_faults(chance: Random, most: float) -> list[Rule]:
    """Return a few kinds of faults, each for a share of the calls."""
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
