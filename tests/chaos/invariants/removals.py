"""No connection is deleted by a removal that was not meant for it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cobalt_mirror.events import ConnectionRemoved
from tests.chaos.evidence import CUT, Evidence, Row, moment
from tests.chaos.invariants.asked import Asked, Cause, Causes, Register
from tests.chaos.invariants.finding import Finding

#: An attempt's DELETE follows its read by no more than this: a lease lasts no longer.
_LONGEST_ATTEMPT = timedelta(seconds=30)

Link = tuple[str, str, str]


def find_wrongly_removed(evidence: Evidence) -> Finding:
    """Check every disconnect against what was connected when the worker read it, and against the pending removals."""
    judge = _Judge(evidence)
    violations = list(judge.violations())
    return Finding(name="no removal of what it did not mean", counts=judge.counts, violations=violations)


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._register = Register(evidence)
        self._causes = Causes(evidence, routes={"disconnected": ("delete_integration",)})
        self._made: defaultdict[Link, list[datetime]] = defaultdict(list)
        stamps = [note.details for note in evidence.audit if note.kind == "stamp"]
        self._stamps = {(stamp["source"], stamp["id"]): stamp for stamp in stamps}
        self._reads: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
        for call in evidence.calls:
            if call["route"] == "read_application" and call["status"] == 200:
                self._reads[call["linked_account_id"], call["slug"]].append(moment(call["at"]))
        self.counts: Counter[str] = Counter({"by removals": 0, "by hand": 0, "made after the look": 0})

    def violations(self) -> Iterator[str]:
        for effect in self._evidence.effects:
            if effect["kind"] in {"connected", "reconnected"}:
                self._made[_link(effect)].append(moment(effect["at"]))
            elif effect["kind"] == "disconnected":
                yield from self._judged(effect)

    def _judged(self, effect: Row) -> Iterator[str]:
        cause = self._causes.find(effect, actions=("disconnect",))
        at = f"{moment(effect['at']):%H:%M:%S.%f}"
        description = f"{' / '.join(_link(effect))}, disconnected at {at} by {effect['call']}"
        if cause is None:
            yield f"{description}: no cause was found"
        elif cause.call is None:
            self.counts["by hand"] += 1
        else:
            made_at = self._seen(effect, cause)
            removals = list(self._register.of(effect["linked_account_id"], [ConnectionRemoved], slug=effect["slug"]))
            if any(self._means(one, effect, made_at, cause.at) for one in removals):
                self.counts["by removals"] += 1
            else:
                waiting = [one.event.id for one in removals if one.was_waiting(cause.at)]
                yield f"{description}: made at {made_at:%H:%M:%S.%f}; no waiting removal is meant for it: {waiting}"

    def _seen(self, effect: Row, cause: Cause) -> datetime:
        """Return when the connection was made that the worker saw. One that is made between its read and its DELETE
        cannot be protected, because a DELETE names only the auth type."""
        made, last = self._made[_link(effect)], self._made[_link(effect)][-1]
        looks = [one for one in self._reads[effect["linked_account_id"], effect["slug"]] if one <= cause.at]
        if looks and looks[-1] <= last and cause.at - looks[-1] < _LONGEST_ATTEMPT:
            self.counts["made after the look"] += 1
            before = [one for one in made if one < looks[-1]]
            return before[-1] if before else datetime.min.replace(tzinfo=last.tzinfo)
        return last

    def _means(self, asked: Asked, effect: Row, made_at: datetime, at: datetime) -> bool:
        removal = asked.event
        assert isinstance(removal, ConnectionRemoved)
        if not asked.was_waiting(at) or removal.auth_type not in {None, effect["detail"]["auth_type"]}:
            return False
        return made_at <= removal.occurred_at + CUT or self._is_stamped(removal, effect, made_at)

    def _is_stamped(self, removal: ConnectionRemoved, effect: Row, made_at: datetime) -> bool:
        shown: list[dict[str, Any]] = self._stamps.get((removal.source, removal.id), {}).get("meant_for") or []
        return any(
            one["auth_type"] == effect["detail"]["auth_type"] and abs(moment(one["connected_at"]) - made_at) <= CUT
            for one in shown
        )


def _link(effect: Row) -> Link:
    return effect["linked_account_id"], effect["slug"], effect["detail"]["auth_type"]
