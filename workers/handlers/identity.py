"""Whether a removal means a connected account that a read shows. Plain values only.

`connectedAt` moves whenever Cobalt renews a token, so a later one alone says nothing. See docs/decisions/0006.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cobalt_mirror.cobalt import Application, ConnectedAccount, LinkedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.slugs import is_of


@dataclass(frozen=True, slots=True)
class Link:
    """One connected account, in the mirror's form.

    Attributes:
        auth_type: the way it is connected.
        connected_at: when it was connected or its token renewed.
        connection_id: its identity, where the application holds several connections.
    """

    auth_type: str
    connected_at: str | None
    connection_id: str | None = None

    @property
    def name(self) -> str:
        """What tells it apart from the others of the same application."""
        return self.auth_type if self.connection_id is None else self.connection_id

    def as_json(self) -> dict[str, Any]:
        """The form in which an event's row keeps it."""
        plain = {"auth_type": self.auth_type, "connected_at": self.connected_at}
        return plain if self.connection_id is None else {**plain, "connection_id": self.connection_id}


def link_of(account: ConnectedAccount) -> Link:
    """A connected account as Cobalt shows it."""
    return Link(account.auth_type, stored_time(account.connected_at), account.connection_id)


def read_links(stored: object) -> list[Link]:
    """Read connected accounts from a row, as far as they can be read."""
    accounts = [account for account in stored if isinstance(account, dict)] if isinstance(stored, list) else []
    return [
        Link(account["auth_type"], _text(account.get("connected_at")), _text(account.get("connection_id")))
        for account in accounts
        if isinstance(account.get("auth_type"), str)
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class Judgement(StrEnum):
    """What a removal is to a connected account."""

    #: It names another auth type or connection.
    OTHER = "other"
    #: It means it: this is what was connected then, and nothing about it has moved.
    MEANT = "meant"
    #: It means it: only `connectedAt` moved, and nothing shows that the customer connected anew.
    RENEWED = "renewed"
    #: The customer connected it after the removal.
    NEWER = "newer"
    #: The account itself must be read to tell.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What tells a renewed token from a new connection.

    Attributes:
        shown: everything that this attempt has seen connected.
        mirrored: what the mirror showed connected when this attempt began.
        gone: what this attempt has disconnected.
        authorizations: the authorisations of the connection, pending or done.
        events: all its events, pending or done; they tell how far a host's clock is behind at most.
        notified_at: when it was connected, by Cobalt's notifications, in whole seconds.
        is_account_read: whether the account was read.
        created_at: `integrations[].createdAt`: when the application was first connected since the last disconnect.
            None: Cobalt does not say, or the account was not read.
    """

    shown: Sequence[Link] = ()
    mirrored: Sequence[Link] = ()
    gone: Sequence[Link] = ()
    authorizations: Sequence[Entry] = ()
    events: Sequence[Entry] = ()
    notified_at: Sequence[datetime] = ()
    is_account_read: bool = False
    created_at: str | None = None

    def with_account(self, account: LinkedAccount, application: Application) -> "Evidence":
        """Add what the account's own answer says of the application."""
        times = [
            stored_time(integration.created_at)
            for integration in account.integrations or ()
            if is_of(integration, slug=application.slug, app_id=application.app_id)
        ]
        created_at = min((moment for moment in times if moment is not None), default=None)
        return replace(self, is_account_read=True, created_at=created_at)


def judge(entry: Entry, link: Link, evidence: Evidence) -> Judgement:
    """Decide what a removal is to a connected account."""
    removal = entry.event
    if not isinstance(removal, ConnectionRemoved) or not _names(removal, link):
        return Judgement.OTHER
    if _is_back(link, taken_before(entry)) or _is_back(link, evidence.gone):
        return Judgement.NEWER
    if not _has_moved(entry, link):
        return Judgement.MEANT
    if _is_authorized_after(entry, link, evidence) or _is_notified_after(entry, link, evidence):
        return Judgement.NEWER
    return _judge_moved(entry, link, evidence)


def _judge_moved(entry: Entry, link: Link, evidence: Evidence) -> Judgement:
    """Decide about an account whose `connectedAt` moved after the removal, with no news of why."""
    # A mirror of before the ids were known stamped a connection without its own.
    known = [each for each in _stamp(entry) if (each.connection_id is None) is (link.connection_id is None)]
    is_older = link.name in {each.name for each in known} or _was_there(entry, link, evidence)
    if known and not is_older:
        return Judgement.NEWER
    if is_older and link.connection_id is not None:
        return Judgement.RENEWED
    if not evidence.is_account_read:
        return Judgement.UNCLEAR
    is_newer = evidence.created_at is not None and evidence.created_at > _since(entry, link, evidence)
    return Judgement.NEWER if is_newer else Judgement.RENEWED


def _was_there(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether something else than the stamp says that it was connected when it was to be removed: the mirror was late.

    The mirror or this attempt has seen it as it was then, or the host has named it no later than that.
    """
    if link.name in {each.name for each in seen_before(entry, evidence)}:
        return True
    named = [entry, *(other for other in evidence.authorizations if other.order < entry.order)]
    attribute, name = ("auth_type", link.auth_type) if link.connection_id is None else ("connection_id", link.name)
    return any(getattr(each.event, attribute, None) == name for each in named)


def seen_before(entry: Entry, evidence: Evidence) -> list[Link]:
    """What the mirror, this attempt or an earlier one saw connected no later than it was to be removed."""
    seen = [*read_links((entry.logged.effect or {}).get("seen")), *evidence.mirrored, *evidence.shown]
    return [
        link
        for link in seen
        if link.connected_at is not None and link.connected_at <= _removed_by(entry, link, evidence)
    ]


def taken_before(entry: Entry) -> list[Link]:
    """What a removal has taken away, in this attempt's or another's time."""
    return read_links((entry.logged.effect or {}).get("disconnected"))


def _stamp(entry: Entry) -> list[Link]:
    return read_links(entry.logged.meant_for)


def _names(event: ConnectionRemoved | ConnectionAuthorized, link: Link) -> bool:
    return event.auth_type in {None, link.auth_type} and event.connection_id in {None, link.connection_id}


def _is_back(link: Link, gone: Sequence[Link]) -> bool:
    """Whether it was disconnected for this removal already, and is connected again."""
    return link not in gone and link.name in {each.name for each in gone}


def _has_moved(entry: Entry, link: Link) -> bool:
    """Whether neither its time nor the stamp says that it was connected when it was to be removed."""
    is_stamped = any(
        (each.auth_type, each.connected_at) == (link.auth_type, link.connected_at)
        and (None in {each.connection_id, link.connection_id} or each.connection_id == link.connection_id)
        for each in _stamp(entry)
    )
    return not is_stamped and link.connected_at is not None and link.connected_at > _removed_at(entry)


def _removed_at(entry: Entry) -> str:
    return str(stored_time(entry.logged.occurred_at))


#: A host's clock is no further behind. Also how old a removal may be whose row gets a stamp (db/tables, version 0006).
PROMPT = timedelta(minutes=15)


def _removed_by(entry: Entry, link: Link, evidence: Evidence) -> str:
    """By which moment it was to be removed, for times of Cobalt's clock, as the host's clock may be behind.

    The database's time of the INSERT bounds what a host may claim: its clock is behind by no more than the shortest
    time between an event of this connection and its row. Of what the stamp has, the stamp tells enough.
    """
    row = entry.logged
    if link.name in {each.name for each in _stamp(entry)}:
        return _removed_at(entry)
    rows = [row, *(other.logged for other in evidence.events if other.logged.source == row.source)]
    behind = max(min(each.recorded_at - each.occurred_at for each in rows), timedelta())
    return str(stored_time(row.occurred_at + (behind if behind < PROMPT else timedelta())))


def _since(entry: Entry, link: Link, evidence: Evidence) -> str:
    """After which moment something is news: the removal, or, by a clock that is ahead, what was connected then."""
    times = [each.connected_at for each in _stamp(entry) if each.name == link.name and each.connected_at is not None]
    return max([_removed_by(entry, link, evidence), *times])


def _is_authorized_after(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether the host says that the customer authorised it later."""
    for other in evidence.authorizations:
        event = other.event
        if not isinstance(event, ConnectionAuthorized) or other.order < entry.order or not _names(event, link):
            continue
        possible = [each for each in evidence.shown if _names(event, each)]
        if event.connection_id is not None or _may_be_of(link, possible, entry):
            return True
    return False


def _is_notified_after(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether Cobalt notified in a later second than the removal's that it was connected.

    A notification does not name a connected account. It is of one that was connected in its second; if none shows, that
    one's token was renewed since, or it is gone. Then it is of what the host authorised, if it says so, and that is
    another one: authorisations of this one were looked for before.
    """
    is_other = any(other.order > entry.order for other in evidence.authorizations)
    since = _since(entry, link, evidence)
    seconds = {second for moment in evidence.notified_at if (second := str(stored_time(moment))) > since}
    for second in seconds:
        its = [each for each in [link, *evidence.shown] if str(each.connected_at)[:19] == second[:19]]
        if link in its or (not its and not is_other and _may_be_of(link, evidence.shown, entry)):
            return True
    return False


def _may_be_of(link: Link, possible: Sequence[Link], entry: Entry) -> bool:
    """Whether news that names no connection may be of this one, whose `connectedAt` moved: it is of those that the
    removal's stamp does not have, or else of any."""
    stamped = {each.name for each in _stamp(entry)}
    new = [each for each in possible if each.name not in stamped and _has_moved(entry, each)]
    return link.name not in stamped or not new


#: How long after `connectedAt` moved news of a reconnection may still be under way.
NEWS = timedelta(seconds=30)


def is_behind_news(entry: Entry, link: Link, evidence: Evidence, *, now: datetime) -> bool:
    """Tell whether a read may be older than the news: it shows what the removal means, and news that came just now says
    that the customer has connected again."""
    if judge(entry, link, evidence) is not Judgement.MEANT:
        return False
    fresh = replace(
        evidence,
        authorizations=[each for each in evidence.authorizations if now - each.logged.recorded_at < NEWS],
        notified_at=[moment for moment in evidence.notified_at if now - moment < NEWS],
    )
    return _is_authorized_after(entry, link, fresh) or _is_notified_after(entry, link, fresh)


def may_have_news(link: Link, *, now: datetime) -> bool:
    """Whether an account connected or renewed just now may be a new connection of which no news has come yet."""
    return link.connected_at is not None and link.connected_at > str(stored_time(now - NEWS))
