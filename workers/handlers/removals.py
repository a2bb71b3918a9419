"""Which connected accounts the removals of a connection take away, as if all had come in order. Plain values only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cobalt_mirror.db.log import Key
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.identity import Evidence, Judgement, Link, judge, read_links, taken_before

#: What a removal means. One that cannot be told any more is of what is gone already.
_MEANT = frozenset({Judgement.MEANT, Judgement.RENEWED, Judgement.UNCLEAR})


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


def plan_removals(
    pending: Sequence[Entry], done: Sequence[Entry], connected: Sequence[Link], evidence: Evidence
) -> RemovalPlan:
    """Go through the removals in order, beginning with what was connected before the first of them.

    Args:
        pending: removals that wait, oldest first.
        done: removals that are done although some pending one is older.
        connected: what a read showed just now, with what this attempt has disconnected.
        evidence: what tells a renewed token from a new connection.
    """
    present = list(dict.fromkeys([*connected, *(link for entry in done for link in taken_before(entry))]))
    taken: dict[Key, list[Link]] = {}
    totals: dict[Key, bool] = {}
    leaving: list[Link] = []
    last_total = None
    for entry in sorted([*pending, *done], key=lambda entry: entry.order):
        if entry in pending:
            own = [link for link in present if judge(entry, link, evidence) in _MEANT]
            leaving += [link for link in own if link in connected]
        else:
            own = taken_before(entry)
        present = [link for link in present if link not in own]
        taken[entry.logged.key], totals[entry.logged.key] = own, not present
        last_total = entry if not present else last_total
    remaining = [link for link in connected if link not in leaving]
    return RemovalPlan(leaving=leaving, remaining=remaining, taken=taken, totals=totals, last_total=last_total)


def judgements(pending: Sequence[Entry], connected: Sequence[Link], evidence: Evidence) -> dict[Link, set[Judgement]]:
    """Return what the removals that wait are to each connected account."""
    return {link: {judge(entry, link, evidence) for entry in pending} for link in connected}


def was_total(entry: Entry) -> bool:
    """Whether nothing was connected after a removal that is done."""
    return bool((entry.logged.effect or {}).get("total"))


def taken_ids(removals: Sequence[Entry], effects: Mapping[Key, Mapping[str, Any]]) -> list[tuple[Entry, str]]:
    """Return removals, each with the id of a connection that it took; once more for each further one.

    Args:
        removals: the removals.
        effects: what some of them have for an effect now; for the others, it is what their rows keep.
    """
    return [
        (entry, link.connection_id)
        for entry in removals
        for link in read_links((effects.get(entry.logged.key) or entry.logged.effect or {}).get("disconnected"))
        if link.connection_id is not None
    ]


def is_moot(entry: Entry, *, taken: Collection[tuple[Entry, str]]) -> bool:
    """Whether a later removal took the connection that an event names.

    Args:
        entry: the event.
        taken: removals, each with the id of a connection that it took.
    """
    connection_id = getattr(entry.event, "connection_id", None)
    return any(connection_id == id_ and removal.order > entry.order for removal, id_ in taken)
