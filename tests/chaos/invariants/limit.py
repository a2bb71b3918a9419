"""Cobalt's limit is never exceeded by more than one burst for each loss of Redis."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from tests.chaos.evidence import Evidence, moment
from tests.chaos.invariants.finding import Finding
from tests.chaos.steps import FaultKind

#: The error of a bucket that the ledger's truncated times may cause, in calls.
_CUT = 0.1
#: While Redis is there, a machine that stalls brings calls together that were spaced. In ten minutes on two busy cores,
#: one of 10,102 calls was over for that: nothing at all arrived for 0.22 s, then eight calls within 0.15 s.
_HELD_UP = 2
_LOSSES = {FaultKind.REDIS_KILL, FaultKind.REDIS_FLUSH, FaultKind.REDIS_PAUSE, FaultKind.REDIS_STOP}


def find_overruns(evidence: Evidence) -> Finding:
    """Count the calls that found the bucket empty, without throttling by fault rules."""
    over = [moment(call["at"]) for call in evidence.calls if call["status"] == 429 and call["fault"] is None]
    losses = sorted(one.at for one in evidence.faults if one.what in _LOSSES)
    counts = {
        "calls": len(evidence.calls),
        "over the limit": len(over),
        "the deepest overdraft": _deepest_overdraft(evidence),
        "losses of Redis": len(losses),
    }
    violations = list(_violations(over, losses, evidence.options.burst))
    return Finding(name="the limit is kept", counts=counts, violations=violations)


def _violations(over: Sequence[datetime], losses: Sequence[datetime], burst: int) -> Iterator[str]:
    """Yield overruns: one burst is allowed after each loss of Redis, before the first only stalls."""
    for number, calls in sorted(Counter(bisect_right(losses, one) for one in over).items()):
        since = f"after the loss of Redis at {losses[number - 1]:%H:%M:%S.%f}" if number else "before any loss of Redis"
        if calls > (burst if number else _HELD_UP):
            times = ", ".join(f"{one:%H:%M:%S.%f}" for one in over if bisect_right(losses, one) == number)
            yield f"{calls} calls over the limit {since}: {times}"


def _deepest_overdraft(evidence: Evidence) -> int:
    """Return by how many calls a bucket with credit would have been below empty."""
    options = evidence.options
    tokens, lowest, last = float(options.burst), 0.0, None
    for at in (moment(call["at"]) for call in evidence.calls):
        passed = 0.0 if last is None else (at - last).total_seconds()
        tokens, last = min(tokens + passed * options.limit, options.burst) - 1, at
        lowest = min(lowest, tokens)
    return math.ceil(-lowest - _CUT)
