"""Cobalt's limit is never exceeded by more than one burst for each loss of Redis."""

from tests.chaos.evidence import Evidence, moment
from tests.chaos.invariants.finding import Finding
from tests.chaos.steps import What

_LOSSES = {What.REDIS_KILL, What.REDIS_FLUSH, What.REDIS_PAUSE, What.REDIS_STOP}


def find_overruns(evidence: Evidence) -> Finding:
    """Count the calls that found the bucket empty; throttling that was played is none of ours."""
    over = [moment(call["at"]) for call in evidence.calls if call["status"] == 429 and call["fault"] is None]
    losses = [one.at for one in evidence.harm if one.what in _LOSSES]
    allowed = len(losses) * evidence.options.burst
    counts = {"calls": len(evidence.calls), "over the limit": len(over), "losses of Redis": len(losses)}
    violations = [f"{len(over)} calls over the limit, {allowed} allowed"] if len(over) > allowed else []
    return Finding(name="the limit is kept", counts=counts, violations=violations)
