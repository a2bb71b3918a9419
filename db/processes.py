"""The heartbeats of our processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, select, update

from cobalt_mirror.db.engine import upsert
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.db.tables import processes

#: Seconds between two heartbeats of a process.
BEAT_SECONDS = 5.0
#: A process without a heartbeat for this long is gone, or its machine is.
ALIVE_FOR = timedelta(seconds=4 * BEAT_SECONDS)
#: How the trouble of a process begins that cannot use its Redis.
REDIS_TROUBLE = "its Redis "
#: Rows older than this are removed, but the latest of each kind, which says since when there is none.
KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process of ours.

    Attributes:
        host: name of its machine.
        pid: its process id there.
        release: version of its code.
        seen_at: its last heartbeat.
        ended_at: when it ended in good order; None: it runs, or was killed.
        trouble: why it cannot work, in a sentence; None: it can.
        local_at: what the clock of its machine said at the last heartbeat; None: it is of an older release.
    """

    id: str
    kind: ProcessKind
    host: str
    pid: int
    release: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    trouble: str | None = None
    local_at: datetime | None = None

    def is_alive(self, at: datetime) -> bool:
        """Return whether the process runs, as far as its heartbeats tell."""
        return self.ended_at is None and at - self.seen_at < ALIVE_FOR


def record_beat(connection: Connection, process: ProcessRow) -> None:
    """Write a heartbeat: INSERT INTO processes ... ON CONFLICT (id) DO UPDATE SET ..., by the primary key."""
    upsert(connection, processes, {name: getattr(process, name) for name in ProcessRow.__dataclass_fields__})


def record_end(connection: Connection, id_: str, at: datetime) -> None:
    """Record that a process ends in good order."""
    connection.execute(update(processes).where(processes.c.id == id_).values(ended_at=at))


def forget_processes(connection: Connection, now: datetime) -> None:
    """Remove the rows of processes that are long gone, but the latest of each kind."""
    later = processes.alias("later")
    is_not_last = exists().where(later.c.kind == processes.c.kind, later.c.seen_at > processes.c.seen_at)
    connection.execute(delete(processes).where(processes.c.seen_at < now - KEPT_FOR, is_not_last))


def list_processes(connection: Connection) -> list[ProcessRow]:
    """List all that are known, by kind, the latest heartbeat first."""
    rows = connection.execute(select(processes).order_by(processes.c.kind, processes.c.seen_at.desc(), processes.c.id))
    return [ProcessRow(**row._mapping) for row in rows]
