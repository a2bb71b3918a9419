"""Which connection a change or removal of a config means, in an application that holds several of one account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cobalt_mirror.cobalt import Application, ConnectedAccount
from cobalt_mirror.db.statuses import EventStatus, Move, Unseen
from cobalt_mirror.events import ConfigChanged, ConfigRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import has_content
from cobalt_mirror.workers.handlers.identity import read_links
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import not_yet
from cobalt_mirror.workers.outcomes import Outcome, Verdict


def must_be_read(loaded: Loaded, changes: Sequence[Entry]) -> bool:
    """Whether only a read of the application tells which connections the changes mean."""
    if not changes:
        return False
    if loaded.has_multi_auth or any(_named(entry) is not None for entry in changes):
        return True
    shown = read_links(None if loaded.connection is None else loaded.connection.accounts)
    if shown:
        return any(link.connection_id is not None for link in shown)
    return loaded.has_multi_auth is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The connections that changes can mean.

    Attributes:
        holds_several: whether an account may hold several connections to the application.
        ids: the ids of those that it holds now.
        taken: removals, each with the id of one that it took.
    """

    holds_several: bool = False
    ids: Sequence[str] = ()
    taken: Sequence[tuple[Entry, str]] = ()

    @classmethod
    def shown(
        cls, application: Application, accounts: Sequence[ConnectedAccount], *, taken: Sequence[tuple[Entry, str]]
    ) -> "Names":
        """Take them from a read of the application, and from what is left connected since."""
        has_ids = any(account.connection_id is not None for account in application.connected_accounts)
        ids = [account.connection_id for account in accounts if account.connection_id is not None]
        return cls(holds_several=application.has_multi_auth or has_ids, ids=ids, taken=taken)

    def complete(self, entry: Entry) -> Entry | None:
        """Return a change with the connection that it means; None: it cannot be told, or is not there."""
        named = _named(entry)
        if not self.holds_several:
            return entry if named is None else None
        if named is None and entry.logged.status is not EventStatus.PENDING:  # it has to be that of then
            named = (entry.logged.effect or {}).get("connection_id")
        elif named is None:
            possible = self.possible(entry)
            named = possible.pop() if len(possible) == 1 else None
        return _with_name(entry, named) if named in self.ids else None

    def possible(self, entry: Entry) -> set[str]:
        """Return the ids that a change which names none can mean.

        What only later removals took is among them, so that the order in which events arrive makes no difference.
        """
        return {*self.ids, *(id_ for removal, id_ in self.taken if removal.order > entry.order)}


def name_changes(loaded: Loaded, findings: Findings, entries: Sequence[Entry], names: Names) -> list[Entry]:
    """Return changes, each with the connection that it means. The others get their outcome."""
    named = []
    for entry in entries:
        completed = names.complete(entry)
        if completed is None:
            findings.finish([entry], _outcome(loaded, entry, names))
        else:
            named.append(completed)
            if completed is not entry:  # what comes later and is older has to know what this one changed
                findings.effects[entry.logged.key] = {"connection_id": _named(completed)}
    return named


def _outcome(loaded: Loaded, entry: Entry, names: Names) -> Outcome:
    """Return the outcome of a change whose connection cannot be told or is not there."""
    named = _named(entry)
    if not names.holds_several:
        detail = (
            f"connection_id {named!r}: {loaded.slug} holds one connection of an account, which has no id; publish the "
            "event again without connection_id"
        )
        return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR)
    possible = names.possible(entry)
    if named is None and len(possible) > 1:
        detail = (
            f"which of them? The customer has {len(possible)} connections to {loaded.slug}; publish the event again "
            "with the connection_id of one: list_connections() shows them"
        )
        return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR)
    which = f"a connection {named!r}" if named is not None else "any connection"
    if not has_content(entry):  # what is not there has no config to read or remove
        detail = f"Cobalt does not show {which} to {loaded.slug}, so there is no config to read or remove"
        return not_yet(entry.logged, loaded.now, at_last=Outcome(verdict=Verdict.DONE, detail=detail))
    detail = f"Cobalt does not show {which} to {loaded.slug}; the change is carried out once Cobalt shows it connected"
    dead = Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.CUSTOMER, unseen=Unseen.CONNECTION)
    return not_yet(entry.logged, loaded.now, at_last=dead)


def _named(entry: Entry) -> str | None:
    return entry.event.connection_id if isinstance(entry.event, ConfigChanged | ConfigRemoved) else None


def _with_name(entry: Entry, connection_id: str | None) -> Entry:
    assert isinstance(entry.event, ConfigChanged | ConfigRemoved)  # noqa: S101 - the callers pass nothing else
    if entry.event.connection_id == connection_id:
        return entry
    return Entry(entry.logged, replace(entry.event, connection_id=connection_id))
