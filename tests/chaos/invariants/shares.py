"""What failed before, such as accounts that Cobalt fails for ever, takes no more than its share of the workers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cobalt_mirror.db.statuses import ChangeType
from tests.chaos.audit import Note
from tests.chaos.evidence import CUT, Evidence
from tests.chaos.faults import RELAYS
from tests.chaos.invariants.finding import Finding
from tests.chaos.isolation import FAILING
from tests.chaos.services import WORKER_PROCESSES, WORKER_THREADS

#: What a relay may have under way of it: a quarter of the threads that its settings name.
_SHARE = WORKER_PROCESSES * WORKER_THREADS // 4
#: Two relays may look at the same time, and then each sends its share.
MOST_RETRIES = len(RELAYS) * _SHARE


def find_overshares(evidence: Evidence) -> Finding:
    """Check, whenever a relay sends a message for work that failed before, how many such accounts are under way.

    This counts rows and looks at no duration, so a slow machine changes nothing. While work is halted, a relay sends
    one message at each look, and what it leads to ends before a call: these are not counted.
    """
    judge = _Judge(halts=list(_halts(evidence)))
    violations = list(judge.violations(evidence.audit))
    failing = sum(str(call["linked_account_id"]).startswith(FAILING) for call in evidence.calls)
    return Finding(
        name="what failed before keeps to its share",
        counts={**judge.counts, "calls for accounts that fail for ever": failing},
        violations=violations,
    )


@dataclass(slots=True, kw_only=True)
class _Judge:
    """Follows which accounts are under way with work that failed before, and until when at most.

    Attributes:
        halts: From when to when work was halted.
    """

    halts: Sequence[tuple[datetime, datetime | None]]
    counts: "Counter[str]" = field(
        default_factory=lambda: Counter({"messages for it": 0, "while work was halted": 0, "most at once": 0})
    )
    _until: dict[str, datetime] = field(default_factory=dict)

    def violations(self, audit: Sequence[Note]) -> Iterator[str]:
        for note in audit:
            if note.kind != "work":
                continue
            if not note.details["is_retry"]:  # deleted, or a message for something new
                self._until.pop(note.account, None)
            elif note.details["sent_until"] != note.details["old_sent_until"]:
                yield from self._sent(note)
            elif note.account in self._until and note.details["new_until"] is not None:
                leased_until = datetime.fromisoformat(note.details["new_until"])
                self._until[note.account] = max(self._until[note.account], leased_until)

    def _sent(self, note: Note) -> Iterator[str]:
        if any(since <= note.at and (until is None or note.at <= until) for since, until in self.halts):
            self.counts["while work was halted"] += 1
            self._until.pop(note.account, None)
            return
        self._until[note.account] = datetime.fromisoformat(note.details["sent_until"])
        under_way = sorted(account for account, until in self._until.items() if until > note.at + CUT)
        self.counts["messages for it"] += 1
        self.counts["most at once"] = max(self.counts["most at once"], len(under_way))
        if len(under_way) > MOST_RETRIES:
            yield f"{len(under_way)} accounts at {note.at:%H:%M:%S.%f}, of {MOST_RETRIES} at most: {under_way}"


def _halts(evidence: Evidence) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield from when to when work was halted; without an end, until the end of the run."""
    since = None
    for entry in sorted(evidence.rows["changes"], key=lambda entry: entry["number"]):
        if entry["type"] is ChangeType.WORK_HALTED:
            since = entry["recorded_at"]
        elif entry["type"] is ChangeType.WORK_RESUMED and since is not None:
            yield since, entry["recorded_at"]
            since = None
    if since is not None:
        yield since, None
