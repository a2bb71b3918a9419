"""How the session that holds a lock is named, and what may be done about it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cobalt_mirror.db.lock_holders import Holder

SINCE = datetime(2026, 1, 31, 12, 0, 5, 999, tzinfo=UTC)
END_IT = "wait for that transaction to end, or end it with `SELECT pg_terminate_backend(47)`"


@pytest.mark.parametrize(
    ("holder", "name", "remedy"),
    [
        (
            Holder(pid=47, application="shop", since=SINCE),
            "server process 47 (application shop, in a transaction since 2026-01-31 12:00:05 UTC)",
            END_IT,
        ),
        (
            Holder(pid=47, application="shop", since=SINCE.astimezone(timezone(timedelta(hours=2)))),
            "server process 47 (application shop, in a transaction since 2026-01-31 12:00:05 UTC)",
            END_IT,
        ),
        (
            Holder(pid=47, application="", since=SINCE),
            "server process 47 (no application_name, in a transaction since 2026-01-31 12:00:05 UTC)",
            END_IT,
        ),
        (
            Holder(pid=47, application="shop", since=None),
            "server process 47 (application shop, since an unknown time, as this role lacks pg_read_all_stats)",
            END_IT,
        ),
        (
            Holder(pid=0, application=None, since=None),
            "a prepared transaction",
            "commit it or roll it back (`SELECT * FROM pg_prepared_xacts` names it)",
        ),
    ],
)
def test_a_holder_is_named_without_what_it_runs(holder: Holder, name: str, remedy: str) -> None:
    assert (str(holder), holder.remedy) == (name, remedy)
