"""Due work is found from a due time on."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.due import find_due_accounts, find_earliest_due
from cobalt_mirror.db.tables import events

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


def _record(engine: Engine, account: str, due_at: datetime, *, is_retry: bool = False) -> None:
    columns = {"due_at": due_at, "retrying_since": due_at if is_retry else None}
    with engine.begin() as connection:
        connection.execute(insert(events).values(type="user_signed_up", linked_account_id=account, **columns))


def _find(engine: Engine, since: datetime | None) -> tuple[datetime | None, set[str]]:
    with engine.begin() as connection:
        accounts = find_due_accounts(connection, NOW, limit=10, since=since)
        return find_earliest_due(connection, NOW, since=since), {due.linked_account_id for due in accounts}


def test_a_look_from_a_time_on_finds_what_is_due_since_then(engine: Engine) -> None:
    _record(engine, "old", NOW - HOUR)
    _record(engine, "old-retry", NOW - HOUR, is_retry=True)
    _record(engine, "new", NOW)
    _record(engine, "new-retry", NOW, is_retry=True)
    _record(engine, "later", NOW + MICROSECOND)
    with engine.begin() as connection:
        record_check(connection, "check", "", due_at=NOW - HOUR, reason="a notification")

    new, old = {"new", "new-retry"}, {"old", "old-retry", "check"}
    assert _find(engine, None) == (NOW - HOUR, new | old)
    assert _find(engine, NOW - HOUR) == (NOW - HOUR, new | old)
    assert _find(engine, NOW - HOUR + MICROSECOND) == (NOW, new)
    assert _find(engine, NOW + MICROSECOND) == (None, set())
