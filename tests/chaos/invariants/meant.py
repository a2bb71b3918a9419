"""Every removal that was meant was carried out."""

from collections import Counter
from collections.abc import Iterator

from cobalt_mirror.events import ConnectionRemoved
from tests.chaos.evidence import CUT, Evidence
from tests.chaos.invariants.asked import Asked, Register
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.lives import Life, Lives
from tests.chaos.invariants.news import News, names
from tests.chaos.invariants.stamps import Stamps

_ENDS = ("done", "superseded")


def find_not_removed(evidence: Evidence) -> Finding:
    """Check that what was connected when a customer removed it was gone when the removal ended.

    What the customer connected again meanwhile may stay. Counted apart is what stayed because something that a worker
    has to believe said that the customer had connected it again, and what no worker could know to be meant.
    """
    judge = _Judge(evidence)
    violations = list(judge.violations())
    return Finding(name="every removal that was meant was carried out", counts=judge.counts, violations=violations)


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self._register, self._lives, self._stamps = Register(evidence), Lives(evidence.effects), Stamps(evidence)
        self._news = News(evidence, register=self._register, lives=self._lives, stamps=self._stamps)
        self._accounts = {event.linked_account_id for event in evidence.accepted.values()}
        self.counts: Counter[str] = Counter(
            {
                "removals": 0,
                "connected accounts that they meant": 0,
                "of these renewed meanwhile": 0,
                "connected anew": 0,
            }
        )

    def violations(self) -> Iterator[str]:
        for account in sorted(self._accounts):
            for removal in self._register.of(account, [ConnectionRemoved]):
                if removal.status in _ENDS:
                    self.counts["removals"] += 1
                    for life in self._lives.of(account, removal.event.subject_slug() or ""):
                        yield from self._judged(removal, life)

    def _judged(self, removal: Asked, life: Life) -> Iterator[str]:
        removed_at, ended_at = removal.happened_at, removal.finished_at
        if not names(removal, life) or not life.was_there(removed_at):
            return
        made_at = max(at for at in life.made_at if at <= removed_at + CUT)
        if any(made_at < at <= ended_at + CUT for at in life.made_at):
            self.counts["connected anew"] += 1
            return
        is_known = made_at <= removal.event.occurred_at + CUT or self._stamps.has(removal.event, life, made_at=made_at)
        if life.was_there(ended_at + CUT):
            reason = self._reason(removal, life) if is_known else "a clock that is wrong"
            if reason is None:
                yield (
                    f"{life} was connected at {made_at:%H:%M:%S.%f} and removed at {removed_at:%H:%M:%S.%f}, but stays"
                    f" although {removal.event.id} ended at {ended_at:%H:%M:%S.%f}: {removal.status}"
                )
                return
            self.counts[f"kept for {reason}"] += 1
            return
        self.counts["connected accounts that they meant"] += 1
        self.counts["of these renewed meanwhile"] += any(removed_at < at <= ended_at for at in life.moved_at)

    def _reason(self, removal: Asked, life: Life) -> str | None:
        """Return what said that the customer had connected it after the removal; `connectedAt` must have moved, too."""
        ended_at = removal.finished_at
        if life.connected_at(ended_at) <= removal.event.occurred_at:
            return None
        if self._news.is_unknown(removal, life):
            return "a mirror that was late"
        erased = "a notification that was erased" if self._news.is_erased(removal, life) else None
        return next(self._news.after(removal, life, until=ended_at, at=ended_at), erased)
