"""Who holds a lock that somebody waits for: the session, never what it runs."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

# Sessions that wait in front of ours block it, too; the one with the oldest transaction holds them all up.
_BLOCKERS = text("""
    SELECT blocker.pid, application_name, xact_start
    FROM unnest(pg_blocking_pids(:pid)) AS blocker (pid) LEFT JOIN pg_stat_activity USING (pid)
    ORDER BY xact_start NULLS LAST LIMIT 1
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A session of the PostgreSQL server that holds a lock.

    Attributes:
        pid: its process on the server; 0 for what PREPARE TRANSACTION left behind without one.
        application: its `application_name`, which every role may see.
        since: when its transaction began; None where our role may not see that.
    """

    pid: int
    application: str | None
    since: datetime | None

    def __str__(self) -> str:
        if self.pid == 0:
            return "a prepared transaction"
        application = f"application {self.application}" if self.application else "no application_name"
        since = (
            f"in a transaction since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            if self.since is not None
            else "since an unknown time, as this role lacks pg_read_all_stats"
        )
        return f"server process {self.pid} ({application}, {since})"

    @property
    def remedy(self) -> str:
        """What an operator may do about it."""
        if self.pid == 0:
            return "commit it or roll it back (`SELECT * FROM pg_prepared_xacts` names it)"
        return f"wait for that transaction to end, or end it with `SELECT pg_terminate_backend({self.pid})`"


class Watch:
    """Looks who blocks a session for as long as that one is at work, from a thread and a connection of its own.

    PostgreSQL tells it only while the session waits.

    Attributes:
        holder: who blocked it last; None when nobody was seen to.
    """

    def __init__(self, engine: Engine, pid: int, *, every_seconds: float) -> None:
        self.holder: Holder | None = None
        self._engine = engine
        self._pid = pid
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lock-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        if self._stopped.wait(self._every_seconds):  # most sessions have done their work by now
            return
        with suppress(SQLAlchemyError), self._engine.connect() as connection:  # without it a name is missing, no more
            # No transaction of ours may stay open: CREATE INDEX CONCURRENTLY would wait for its end.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            while not self._stopped.wait(self._every_seconds):
                row = connection.execute(_BLOCKERS, {"pid": self._pid}).first()
                if row is not None:
                    self.holder = Holder(pid=row[0], application=row[1], since=row[2])
