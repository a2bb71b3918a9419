"""Every row that no worker can read is refused or dead, and costs no call."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from tests.chaos.evidence import Evidence, Row
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.leases import lost_leases


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
    """Return the calls for accounts of such rows, but for reads after a worker had lost its lease on one: nobody knows
    what a worker that died has called."""
    lost = lost_leases(evidence.audit)
    return [
        f"a call for {call['linked_account_id']}: {call['route']}"
        for call in evidence.calls
        if str(call["linked_account_id"]).startswith("poison ") and not _is_for_the_dead(call, lost)
    ]


def _is_for_the_dead(call: Row, lost: Mapping[str, datetime]) -> bool:
    since = lost.get(call["linked_account_id"])
    return call["method"] == "GET" and since is not None and datetime.fromisoformat(call["at"]) > since
