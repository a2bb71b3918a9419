"""The change feed, as hosts read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.errors import PositionLost
from cobalt_mirror.db.statuses import ChangeType

#: The largest `after` that both databases take.
LARGEST_POSITION = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One entry of the change feed.

    Attributes:
        position: its place in the feed. Each is one higher than the one before it.
        type: what it says.
        recorded_at: when the mirror learned of it.
        linked_account_id: the account; None: it is about all of them.
        slug: the application; None: it is about the account itself.
        connection_id: the connection, where the application holds several.
        config_id: the config.
        data: what changed, from and to. No passwords.
    """

    position: int
    type: ChangeType
    recorded_at: datetime
    linked_account_id: str | None
    slug: str | None
    connection_id: str | None
    config_id: str | None
    data: Mapping[str, Any]


_c = tables.changes.c
#: With the entry at the position itself, which shows that the position is of this feed.
_PAGE = (
    select(*(_c[name] for name in FeedEntry.__dataclass_fields__))
    .where(_c.position >= bindparam("after", type_=BigInteger()))
    .order_by(_c.position)
    .limit(bindparam("limit", type_=Integer()))
)

_LAST = select(_c.position).where(_c.position.is_not(None)).order_by(_c.position.desc()).limit(1)


def changes(session: HostSession, *, after: int | None = None, limit: int = 100) -> list[FeedEntry]:
    """List what really changed, in order: each entry once, and an account's in the order in which they happened.

    Keep the last entry's `position`, in the transaction in which you carry the entries out, and pass it the next time.

    Args:
        session: your session or connection.
        after: the position of the last entry that you have; 0: you have none. None: begin with the oldest that is kept.
        limit: the most entries.

    Returns:
        The entries after that one; empty: nothing has changed since.

    Raises:
        PositionLost: entries after `after` were pruned, so you have missed them, or the feed ends before it, as in a
            database from a backup. Read the mirror, then go on with the position in the error.
    """
    wanted = {"after": after or 0, "limit": limit + 1 if after else limit}
    entries = [FeedEntry(**row) for row in execute(session, _PAGE, wanted).mappings()]
    if after and not entries:
        last = execute(session, _LAST).scalar_one_or_none() or 0
        raise PositionLost(
            f"the feed ends at {last}, so {after} is of another database, or of this one before a backup was restored",
            resume_after=last,
        )
    if entries and entries[0].position == after:
        entries = entries[1:]
    if after is not None and entries and entries[0].position != after + 1:
        pruned = entries[0].position - 1
        raise PositionLost(f"the entries {after + 1} to {pruned} were pruned", resume_after=pruned)
    return entries[:limit]
