"""No connection is deleted by a removal that was not meant for it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from cobalt_mirror.cobalt.sandbox import SandboxSettings
from cobalt_mirror.cobalt.sandbox.ledger import STALE
from cobalt_mirror.events import ConnectionRemoved
from tests.chaos.evidence import CUT, Evidence, Row, moment
from tests.chaos.invariants.asked import Asked, Cause, Causes, Register
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.lives import Life, Lives
from tests.chaos.invariants.news import News, names
from tests.chaos.invariants.stamps import Stamps

#: An attempt's DELETE follows its read by no more than this: a lease lasts no longer.
_LONGEST_ATTEMPT = timedelta(seconds=30)
#: How far a read that lags behind is behind.
_BEHIND = timedelta(seconds=SandboxSettings().stale_seconds)


def find_wrongly_removed(evidence: Evidence) -> Finding:
    """Check every disconnect against what was connected when the worker read it, and against the pending removals.

    What was connected anew is counted apart if nothing could tell a worker that it was.
    """
    judge = _Judge(evidence)
    violations = list(judge.violations())
    return Finding(name="no removal of what it did not mean", counts=judge.counts, violations=violations)


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._register, self._lives, self._stamps = Register(evidence), Lives(evidence.effects), Stamps(evidence)
        self._news = News(evidence, register=self._register, lives=self._lives, stamps=self._stamps)
        self._causes = Causes(evidence, routes={"disconnected": ("delete_integration",)})
        self._reads: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
        for call in evidence.calls:
            if call["route"] == "read_application" and call["status"] == 200:
                behind = _BEHIND if call["fault"] == STALE else timedelta()
                self._reads[call["linked_account_id"], call["slug"]].append(moment(call["at"]) - behind)
        self.counts: Counter[str] = Counter(
            {"by removals": 0, "by hand": 0, "made after the look": 0, "connected anew without any news of it": 0}
        )

    def violations(self) -> Iterator[str]:
        for effect in self._evidence.effects:
            if effect["kind"] == "disconnected":
                yield from self._judged(effect, self._lives.ended_by(effect))

    def _judged(self, effect: Row, life: Life) -> Iterator[str]:
        cause = self._causes.find(effect, actions=("disconnect",))
        description = f"{life}, disconnected at {moment(effect['at']):%H:%M:%S.%f} by {effect['call']}"
        if cause is None:
            yield f"{description}: no cause was found"
            return
        if cause.call is None:
            self.counts["by hand"] += 1
            return
        made_at = self._seen(life, cause)
        removals = [
            one
            for one in self._register.of(life.account, [ConnectionRemoved], slug=life.slug)
            if one.was_waiting(cause.at) and names(one, life)
        ]
        if any(self._means(one, life, made_at) for one in removals):
            self.counts["by removals"] += 1
        elif any(self._news.could_not_tell(one, life, at=cause.at) for one in removals):
            self.counts["connected anew without any news of it"] += 1
        else:
            waiting = [one.event.id for one in removals]
            yield f"{description}: made at {made_at:%H:%M:%S.%f}; no waiting removal is meant for it: {waiting}"

    def _seen(self, life: Life, cause: Cause) -> datetime:
        """Return when the connection was made that the worker saw. One that is made between its read and its DELETE
        cannot be protected, because a DELETE does not say since when."""
        same = [each for each in self._lives.of(life.account, life.slug) if each.name == life.name]
        made, last = sorted(at for each in same for at in each.made_at), life.made_at[-1]
        looks = [one for one in self._reads[life.account, life.slug] if one <= cause.at]
        if looks and looks[-1] <= last and cause.at - looks[-1] < _LONGEST_ATTEMPT:
            self.counts["made after the look"] += 1
            before = [one for one in made if one < looks[-1]]
            return before[-1] if before else datetime.min.replace(tzinfo=last.tzinfo)
        return last

    def _means(self, removal: Asked, life: Life, made_at: datetime) -> bool:
        is_older = made_at <= removal.event.occurred_at + CUT
        return is_older or self._stamps.has(removal.event, life, made_at=made_at)
