"""What a worker could know of a customer who connected again: `connectedAt` alone does not tell it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from tests.chaos.evidence import CUT, Evidence, moment
from tests.chaos.invariants.asked import Asked, Register
from tests.chaos.invariants.lives import Life, Lives
from tests.chaos.invariants.stamps import Stamps


class News:
    """The authorizations and notifications of a run, with the times when they came."""

    def __init__(self, evidence: Evidence, *, register: Register, lives: Lives, stamps: Stamps) -> None:
        self._register, self._lives, self._stamps = register, lives, stamps
        self._leased: defaultdict[str, list[datetime]] = defaultdict(list)
        for note in evidence.audit:
            if note.kind == "work" and note.details["new_token"] not in {None, note.details["old_token"]}:
                self._leased[note.account].append(note.at)
        self._notified: defaultdict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
        for row in evidence.rows.get("notifications", ()):
            if row["event"] == "Connection Created" and row["payload"] is not None:  # it goes with its account
                second = parsedate_to_datetime(row["payload"]["createdAt"]).replace(tzinfo=UTC)
                self._notified[row["linked_account_id"], row["slug"]].append((second, row["received_at"]))

    def could_not_tell(self, removal: Asked, life: Life, *, at: datetime) -> bool:
        """Return whether nothing showed, when an attempt began that went on until `at`, that what a removal took was
        connected after it: neither its identity nor any news of it."""
        shown = self._stamps.find(removal.event, life)
        if shown is None and self._stamps.of(removal.event):
            return False
        if shown is None or life.connection_id is None:
            known = [removal.event.occurred_at, *([] if shown is None else [moment(shown["connected_at"])])]
            if life.integrated_at > max(known) + CUT:
                return False
        leased = self._leased[life.account]
        number = bisect_right(leased, at)
        began = leased[number - 1] if number else at
        return not any(self.after(removal, life, until=began, at=at))

    def after(self, removal: Asked, life: Life, *, until: datetime, at: datetime) -> Iterator[str]:
        """Yield what had come until then that says, rightly or not, that the customer connected it after a removal.

        Args:
            removal: the removal.
            life: the connected account.
            until: only what had come by then.
            at: when the worker looked at what is connected.
        """
        is_only = len(self._lives.at(life.account, life.slug, at)) == 1
        for asked in self._register.of(life.account, [ConnectionAuthorized], slug=life.slug):
            if asked.recorded_at > until or asked.order < removal.order or not names(asked, life):
                continue
            if self._may_mean(asked, removal, life, is_only=is_only):
                yield "a clock that is wrong" if removal.skew or asked.skew else "a later authorization"
        connected_at = life.connected_at(at).replace(microsecond=0)
        for second, received_at in self._notified[life.account, life.slug]:
            is_later = received_at <= until and second > removal.event.occurred_at
            if is_later and (is_only or second == connected_at):
                yield "a clock that is wrong" if removal.skew else "a later notification"

    def _may_mean(self, asked: Asked, removal: Asked, life: Life, *, is_only: bool) -> bool:
        """Return whether an authorization that may name no connection means this one."""
        assert isinstance(asked.event, ConnectionAuthorized)
        is_named = asked.event.connection_id is not None or life.connection_id is None
        return is_named or is_only or self._stamps.find(removal.event, life) is None


def names(asked: Asked, life: Life) -> bool:
    """Return whether a removal or authorization can be about a connected account."""
    event = asked.event
    assert isinstance(event, ConnectionRemoved | ConnectionAuthorized)
    return event.auth_type in {None, life.auth_type} and event.connection_id in {None, life.connection_id}
