"""The history explains every row of the mirror."""

from tests.chaos.evidence import Evidence
from tests.chaos.invariants.finding import Finding
from tests.integration.journey.replay import find_gaps


def find_unexplained(evidence: Evidence) -> Finding:
    """Build the mirror out of the history and compare."""
    mirrored = ("linked_accounts", "connections", "configs", "applications")
    return Finding(
        name="the history explains every row",
        counts={
            "changes": len(evidence.rows["history"]),
            "rows": sum(len(evidence.rows[name]) for name in mirrored),
        },
        violations=list(find_gaps(lambda name: evidence.rows[name])),
    )
