"""Events that no attempt would ever meet: never due, or under a name by which no statement finds them.

A relay looks for them once a minute.
"""

from datetime import datetime

from sqlalchemy import Connection, or_, text, update

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.feed import record_entries
from cobalt_mirror.db.feed_entries import NewEntry
from cobalt_mirror.db.host_columns import LATEST
from cobalt_mirror.db.statuses import ChangeType, EventStatus, Move
from cobalt_mirror.db.tables import events, is_pending

#: SQLite's columns also take blobs, and bytes that are no UTF-8. `db.engine` has the function.
_BURY = text("""
    UPDATE events SET status = :dead, finished_at = :now, attempts = 1, move = :move, last_error = :reason
    WHERE status = 'pending' AND NOT (
        typeof(source) = 'text' AND is_utf8(CAST(source AS BLOB)) AND typeof(id) = 'text' AND is_utf8(CAST(id AS BLOB))
        AND typeof(linked_account_id) = 'text' AND is_utf8(CAST(linked_account_id AS BLOB))
        AND (slug IS NULL OR (typeof(slug) = 'text' AND is_utf8(CAST(slug AS BLOB)))))
""")
#: The 61st of a month is no time, and comes after every time of its month.
_IS_NO_TIME = text("strftime('%Y-%m-%dT%H:%M:%S', substr(due_at, 1, 19), '+0 days') IS NOT substr(due_at, 1, 19)")
_REASON = "source, id, linked_account_id, slug: must be text in UTF-8"
_BURIED = NewEntry(type=ChangeType.EVENT_DEAD, data={"move": Move.OPERATOR, "reason": _REASON})


def mend_strays(connection: Connection, now: datetime) -> int:
    """Have events met that no attempt would ever meet, and return how many they were.

    UPDATE events SET due_at = :now WHERE status = 'pending' AND due_at >= '3000-01-01'
    """
    is_sqlite = connection.dialect.name == "sqlite"
    never = events.c.due_at >= LATEST
    wanted = update(events).where(is_pending, or_(never, _IS_NO_TIME) if is_sqlite else never).values(due_at=now)
    number: int = connection.execute(wanted).rowcount
    if is_sqlite:
        ends = {"dead": str(EventStatus.DEAD), "move": str(Move.OPERATOR), "reason": _REASON, "now": stored_time(now)}
        buried = connection.execute(_BURY, ends).rowcount
        record_entries(connection, [_BURIED] * buried, at=now)  # their names are no text, so it has none
        number += buried
    return number
