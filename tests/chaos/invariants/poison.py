"""Every row that no worker can read is refused or dead, and costs no call."""

from collections.abc import Iterator

from tests.chaos.evidence import Evidence
from tests.chaos.invariants.finding import Finding


def find_poison(evidence: Evidence) -> Finding:
    """Check each row that no worker can read: it was refused at its INSERT, or it is dead with its reason."""
    refused = sum(one.refusal is not None for one in evidence.poisoned.values())
    return Finding(
        name="what cannot be read is refused or dead",
        counts={"rows": len(evidence.poisoned), "refused": refused, "calls for them": len(_calls(evidence))},
        violations=[*_violations(evidence), *_calls(evidence)],
    )


def _violations(evidence: Evidence) -> Iterator[str]:
    rows = [row for row in evidence.rows["events"] if row.get("fingerprint") in evidence.poisoned]
    found = {row["fingerprint"] for row in rows}
    for row in rows:
        poisoned = evidence.poisoned[row["fingerprint"]]
        reason = str(row["last_error"])
        if row["status"] != "dead" or not reason.startswith(poisoned.row.reason or ""):
            yield f"{row['fingerprint']}, {poisoned.row.name}, is {row['status']}: {reason}"
    for name, poisoned in evidence.poisoned.items():
        if poisoned.refusal is None and name not in found:
            yield f"{name}, {poisoned.row.name}, was taken and is not in the log"


def _calls(evidence: Evidence) -> list[str]:
    return [
        f"a call for {call['linked_account_id']}: {call['route']}"
        for call in evidence.calls
        if str(call["linked_account_id"]).startswith("poison ")
    ]
