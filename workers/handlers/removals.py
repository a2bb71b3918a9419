"""Which connected accounts the removals of a connection take away, as if all had come in order. Plain values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.events import ConnectionRemoved
from cobalt_mirror.events.stored import Entry

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """One connected account: the way it is connected, and since when, in the mirror's form."""

    auth_type: str
    connected_at: str | None

    def as_json(self) -> dict[str, Any]:
        """The form in which an event's row keeps it."""
        return {"auth_type": self.auth_type, "connected_at": self.connected_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPlan:
    """What the removals amount to.

    Attributes:
        leaving: what is connected now and must be disconnected.
        remaining: what is connected now and stays.
        taken: for each removal, those that are done included, what it takes away.
        totals: for each removal, whether nothing is connected after it. A late one can make a done one total.
        last_total: the last removal after which nothing was connected: what came before it is moot.
    """

    leaving: list[Link]
    remaining: list[Link]
    taken: dict[Key, list[Link]]
    totals: dict[Key, bool]
    last_total: Entry | None

    def effects(self) -> dict[Key, dict[str, Any]]:
        """What to keep in the rows of the removals, for events that come later and are older."""
        return {
            key: {"total": self.totals[key], "disconnected": [link.as_json() for link in links]}
            for key, links in self.taken.items()
        }


def plan_removals(pending: Sequence[Entry], done: Sequence[Entry], connected: Sequence[Link]) -> RemovalPlan:
    """Go through the removals in order, beginning with what was connected before the first of them.

    Args:
        pending: removals that wait, oldest first.
        done: removals that are done although some pending one is older.
        connected: what a read showed just now.
    """
    present = list(dict.fromkeys([*connected, *(link for entry in done for link in _taken_before(entry))]))
    taken: dict[Key, list[Link]] = {}
    totals: dict[Key, bool] = {}
    leaving: list[Link] = []
    last_total = None
    for entry in sorted([*pending, *done], key=lambda entry: entry.order):
        if entry in pending:
            own = [link for link in present if is_meant(entry, link)]
            leaving += [link for link in own if link in connected]
        else:
            own = _taken_before(entry)
        present = [link for link in present if link not in own]
        taken[entry.logged.key], totals[entry.logged.key] = own, not present
        last_total = entry if not present else last_total
    remaining = [link for link in connected if link not in leaving]
    return RemovalPlan(leaving=leaving, remaining=remaining, taken=taken, totals=totals, last_total=last_total)


def is_meant(entry: Entry, link: Link) -> bool:
    """Whether a removal applies to a connected account: one made no later, or the one that the mirror showed then."""
    removal = entry.event
    if not isinstance(removal, ConnectionRemoved) or removal.auth_type not in {None, link.auth_type}:
        return False
    if link.connected_at is None or link.connected_at <= str(stored_time(entry.logged.occurred_at)):
        return True
    stamp = entry.logged.meant_for if isinstance(entry.logged.meant_for, list) else []
    shown = [(one.get("auth_type"), one.get("connected_at")) for one in stamp if isinstance(one, dict)]
    return (link.auth_type, link.connected_at) in shown


def link_of(auth_type: str, connected_at: datetime | None) -> Link:
    """A connected account as Cobalt shows it."""
    return Link(auth_type, stored_time(connected_at))


def was_total(entry: Entry) -> bool:
    """Whether nothing was connected after a removal that is done."""
    return bool((entry.logged.effect or {}).get("total"))


def _taken_before(entry: Entry) -> list[Link]:
    kept = (entry.logged.effect or {}).get("disconnected") or []
    return [Link(account["auth_type"], account["connected_at"]) for account in kept]
