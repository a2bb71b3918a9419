"""What a worker could know of a customer who connected again: `connectedAt` alone does not tell it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cobalt_mirror.db.statuses import RowKind
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from tests.chaos.evidence import CUT, Evidence, Row, moment
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
        self._mirrored: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in evidence.rows.get("history", ()):
            if row["what"] == RowKind.CONNECTION:
                self._mirrored[row["linked_account_id"], row["slug"]].append(row)
        self._notified: defaultdict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
        self._erased: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
        for row in evidence.rows.get("notifications", ()):
            if row["event"] != "Connection Created":
                continue
            if row["payload"] is None:  # it went with its account
                self._erased[row["linked_account_id"], row["slug"]].append(row["received_at"])
            else:
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

    def is_erased(self, removal: Asked, life: Life) -> bool:
        """Return whether a notification came in time of which nothing is left, as the account was deleted later."""
        came = self._erased[life.account, life.slug]
        return any(removal.recorded_at <= received_at <= removal.finished_at for received_at in came)

    def is_unknown(self, removal: Asked, life: Life) -> bool:
        """Return whether a connection looked like another one than the mirror showed when it was removed, and a newer
        one: the mirror never got it before its `connectedAt` moved, and the host had not named it."""
        if not self._stamps.of(removal.event) or self._stamps.find(removal.event, life) is not None:
            return False
        asked = [removal, *self._register.of(life.account, [ConnectionAuthorized], slug=life.slug)]
        known = [each for each in asked if each.order <= removal.order and each.recorded_at <= removal.finished_at]
        named_by = "auth_type" if life.connection_id is None else "connection_id"
        is_named = life.name in {getattr(each.event, named_by) for each in known}
        return not is_named and not any(
            self._shows(row, life, removal) for row in self._mirrored[life.account, life.slug]
        )

    def _shows(self, row: Row, life: Life, removal: Asked) -> bool:
        """Return whether a history row, up to the removal's end, shows a connection as it was when it was removed."""
        if row["recorded_at"] > removal.finished_at:
            return False
        shown = [each for accounts in row["changes"].get("accounts", ()) for each in accounts or ()]
        return any(
            (each.get("connection_id") or each["auth_type"]) == life.name
            and life.made_at[0] - CUT <= moment(each["connected_at"]) <= removal.event.occurred_at
            for each in shown
        )

    def after(self, removal: Asked, life: Life, *, until: datetime, at: datetime) -> Iterator[str]:
        """Yield what had come until then that says, rightly or not, that the customer connected it after a removal.

        Args:
            removal: the removal.
            life: the connected account.
            until: only what had come by then.
            at: when the worker looked at what is connected.
        """
        there = self._lives.at(life.account, life.slug, at)
        for asked in self._register.of(life.account, [ConnectionAuthorized], slug=life.slug):
            if asked.recorded_at > until or asked.order < removal.order or not names(asked, life):
                continue
            is_named = getattr(asked.event, "connection_id", None) is not None
            if is_named or self._may_mean(removal, life, [each for each in there if names(asked, each)], at=at):
                yield "a clock that is wrong" if removal.skew or asked.skew else "a later authorization"
        stamped = self._stamps.find(removal.event, life)
        known = [removal.event.occurred_at, *([] if stamped is None else [moment(stamped["connected_at"])])]
        for second, received_at in self._notified[life.account, life.slug]:
            if received_at > until or second <= max(known):
                continue
            its = [each for each in there if each.connected_at(at).replace(microsecond=0) == second]
            if life in its or (not its and self._may_mean(removal, life, there, at=at)):
                yield "a clock that is wrong" if removal.skew else "a later notification"

    def _may_mean(self, removal: Asked, life: Life, possible: Sequence[Life], *, at: datetime) -> bool:
        """Return whether news that names no connection may mean this one: it means what the mirror did not show when
        the removal was published and what was connected since, or else any."""
        new = [
            each
            for each in possible
            if self._stamps.find(removal.event, each) is None and each.connected_at(at) > removal.event.occurred_at
        ]
        return self._stamps.find(removal.event, life) is None or not new


def names(asked: Asked, life: Life) -> bool:
    """Return whether a removal or authorization can be about a connected account."""
    event = asked.event
    assert isinstance(event, ConnectionRemoved | ConnectionAuthorized)
    return event.auth_type in {None, life.auth_type} and event.connection_id in {None, life.connection_id}
