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
        Link(account["auth_type"], account.get("connected_at"), account.get("connection_id"))
        for account in accounts
        if isinstance(account.get("auth_type"), str)
    ]


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
        shown: everything that is connected now.
        seen: what the mirror and the first read of this attempt show: `connectedAt` may have moved since.
        authorizations: the authorisations of the connection, pending or done.
        notified_at: when it was connected, by Cobalt's notifications, in whole seconds.
        is_account_read: whether the account was read.
        created_at: `integrations[].createdAt`: when the application was first connected since the last disconnect.
            None: Cobalt does not say, or the account was not read.
    """

    shown: Sequence[Link] = ()
    seen: Sequence[Link] = ()
    authorizations: Sequence[Entry] = ()
    notified_at: Sequence[datetime] = ()
    is_account_read: bool = False
    created_at: str | None = None

    def with_account(self, account: LinkedAccount, application: Application) -> "Evidence":
        """Add what the account's own answer says of the application."""
        times = [
            stored_time(integration.created_at)
            for integration in account.integrations or ()
            if integration.type == application.slug
            or (integration.app_id is not None and integration.app_id == application.app_id)
        ]
        created_at = min((moment for moment in times if moment is not None), default=None)
        return replace(self, is_account_read=True, created_at=created_at)


def judge(entry: Entry, link: Link, evidence: Evidence) -> Judgement:
    """Decide what a removal is to a connected account."""
    removal = entry.event
    if not isinstance(removal, ConnectionRemoved) or not _names(removal, link):
        return Judgement.OTHER
    removed_at = str(stored_time(entry.logged.occurred_at))
    stamp = read_links(entry.logged.meant_for)
    if link.connected_at is None or link.connected_at <= removed_at or _is_among(link, stamp):
        return Judgement.MEANT
    if _is_authorized_after(entry, link, evidence) or _is_notified_after(entry, link, evidence):
        return Judgement.NEWER
    return _judge_moved(entry, link, evidence=evidence)


def _judge_moved(entry: Entry, link: Link, *, evidence: Evidence) -> Judgement:
    """Decide about an account whose `connectedAt` moved after the removal, with no news of why."""
    stamp, removed_at = read_links(entry.logged.meant_for), str(stored_time(entry.logged.occurred_at))
    # A mirror of before the ids were known stamped a connection without its own.
    known = [each for each in stamp if (each.connection_id is None) is (link.connection_id is None)]
    older = [each for each in evidence.seen if each.connected_at is not None and each.connected_at <= removed_at]
    same = [each for each in (*known, *older) if each.name == link.name]
    is_older = bool(same) or _is_named_before(entry, link, evidence)
    if known and not is_older:
        return Judgement.NEWER
    if is_older and link.connection_id is not None:
        return Judgement.RENEWED
    if not evidence.is_account_read:
        return Judgement.UNCLEAR
    latest = max([removed_at, *(each.connected_at for each in same if each.connected_at is not None)])
    is_newer = evidence.created_at is not None and evidence.created_at > latest
    return Judgement.NEWER if is_newer else Judgement.RENEWED


def _names(removal: ConnectionRemoved | ConnectionAuthorized, link: Link) -> bool:
    return removal.auth_type in {None, link.auth_type} and removal.connection_id in {None, link.connection_id}


def _is_named_before(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether the host named the connection by its id no later than it was removed, although the mirror did not show it
    yet."""
    if link.connection_id is None:
        return False
    named = [entry, *(other for other in evidence.authorizations if other.order < entry.order)]
    return any(getattr(each.event, "connection_id", None) == link.connection_id for each in named)


def _is_among(link: Link, stamp: Sequence[Link]) -> bool:
    return any(
        (each.auth_type, each.connected_at) == (link.auth_type, link.connected_at)
        and (None in {each.connection_id, link.connection_id} or each.connection_id == link.connection_id)
        for each in stamp
    )


def _is_authorized_after(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether the host says that the customer authorised it later. An authorisation that names no connection counts for
    one that the removal's stamp does not have, or for the only one."""
    stamped = {each.connection_id for each in read_links(entry.logged.meant_for)}
    for other in evidence.authorizations:
        event = other.event
        if not isinstance(event, ConnectionAuthorized) or other.order < entry.order or not _names(event, link):
            continue
        is_named = event.connection_id is not None or link.connection_id is None
        if is_named or link.connection_id not in stamped or len(evidence.shown) == 1:
            return True
    return False


def _is_notified_after(entry: Entry, link: Link, evidence: Evidence) -> bool:
    """Whether Cobalt notified that it was connected in a later second than the removal's. A notification does not name
    a connected account: it counts for one that was connected in its second, or for the only one."""
    later = [moment for moment in evidence.notified_at if moment > entry.logged.occurred_at]
    seconds = {str(stored_time(moment))[:19] for moment in later}
    return bool(seconds) and (str(link.connected_at)[:19] in seconds or len(evidence.shown) == 1)


#: How long after `connectedAt` moved news of a reconnection may still be under way.
NEWS = timedelta(seconds=30)


def may_have_news(link: Link, *, now: datetime) -> bool:
    """Whether an account connected or renewed just now may be a new connection of which no news has come yet."""
    return link.connected_at is not None and link.connected_at > str(stored_time(now - NEWS))
