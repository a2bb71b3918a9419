"""The events that may have caused an effect: those accepted and not ended at that time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cobalt_mirror.events import Event
from tests.chaos.evidence import CUT, Evidence, Row, moment
from tests.chaos.faults import LATEST_EFFECT_SECONDS

#: How long after its time a late effect may land: before the next call, or look, that comes then.
_LANDS_WITHIN = timedelta(seconds=LATEST_EFFECT_SECONDS + 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An accepted event, with the time during which it was pending.

    Attributes:
        number: The number that the schema gave it; 0: none.
        skew: How far the clock of its publisher was ahead, in seconds.
    """

    event: Event
    recorded_at: datetime
    finished_at: datetime
    status: str
    number: int = 0
    skew: float = 0.0

    @property
    def order(self) -> tuple[datetime, int]:
        """The key by which workers order the events of a subject."""
        return self.event.occurred_at, self.number

    @property
    def happened_at(self) -> datetime:
        """When it truly happened."""
        return self.event.occurred_at - timedelta(seconds=self.skew)

    def was_waiting(self, at: datetime) -> bool:
        """Return whether it was pending at this time."""
        return self.recorded_at <= at + CUT and at <= self.finished_at + CUT


class Register:
    """The accepted events by account, with their times from the log."""

    def __init__(self, evidence: Evidence) -> None:
        self._by_account: defaultdict[str, list[Asked]] = defaultdict(list)
        for row in evidence.rows["events"]:
            event = evidence.accepted.get((row["source"], row["id"]))
            if event is not None and row["finished_at"] is not None:
                asked = Asked(
                    event=event,
                    recorded_at=row["recorded_at"],
                    finished_at=row["finished_at"],
                    status=row["status"],
                    number=row["number"] or 0,
                    skew=evidence.skews.get((row["source"], row["id"]), 0.0),
                )
                self._by_account[event.linked_account_id].append(asked)

    def of(self, account: str, kinds: Sequence[type[Event]], *, slug: str | None = None) -> Iterator[Asked]:
        """Yield the events of these kinds of one account, or of one of its connections."""
        for asked in self._by_account.get(account, ()):
            if isinstance(asked.event, tuple(kinds)) and (slug is None or asked.event.subject_slug() == slug):
                yield asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The cause of an effect.

    Attributes:
        at: when it was asked for; a late effect lands later than that.
        call: The call; None for a change by hand.
    """

    at: datetime
    call: Row | None
    is_late: bool = False


class Causes:
    """Finds the call, or the change by hand, behind an effect. The ledger does not name the call of a late effect."""

    def __init__(self, evidence: Evidence, *, routes: Mapping[str, Sequence[str]]) -> None:
        self._calls = {row["n"]: row for row in evidence.calls}
        self._late = [row for row in evidence.calls if (row["fault"] or "").endswith("effect later")]
        self._hands = evidence.by_hand
        self._routes = routes

    def find(self, effect: Row, *, actions: Sequence[str]) -> Cause | None:
        """Return the cause of an effect; None if there is none.

        Args:
            effect: a row of the ledger.
            actions: what a hand would have to do for it.
        """
        at = moment(effect["at"])
        if effect["call"] is not None:
            return Cause(at=at, call=self._calls[effect["call"]])
        for hand in self._hands:
            is_then = hand.began_at <= at + CUT and at <= hand.ended_at + CUT
            if hand.action in actions and is_then and _is_about(hand.arguments, effect):
                return Cause(at=at, call=None)
        return self._find_late(effect, at)

    def _find_late(self, effect: Row, at: datetime) -> Cause | None:
        """Return the last call with a late effect that may be this one."""
        found = None
        for call in self._late:
            sent_at = moment(call["at"])
            is_then = sent_at <= at <= sent_at + _LANDS_WITHIN
            if is_then and call["route"] in self._routes[effect["kind"]] and _is_about(call, effect):
                found = Cause(at=sent_at, call=call, is_late=True)
        return found


def _is_about(fields: Mapping[str, Any], effect: Row) -> bool:
    """Return whether a change by hand is about the subject of an effect."""
    same_account = fields["linked_account_id"] == effect["linked_account_id"]
    return same_account and fields.get("slug") in {None, effect["slug"]}
