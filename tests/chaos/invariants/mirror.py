"""After quiet and one reconciliation, the mirror equals the sandbox."""

from cobalt_mirror.workers.demo.compare import compare
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.finding import Finding


def find_drift(evidence: Evidence) -> Finding:
    """Compare row by row and column by column."""
    return Finding(
        name="the mirror equals the sandbox",
        counts={kind: len(evidence.state[kind]) for kind in ("accounts", "connections", "configs")},
        violations=[str(one) for one in compare(evidence.mirror, evidence.state)],
    )
