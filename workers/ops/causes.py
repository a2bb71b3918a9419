"""Which causes call for the operator, read cheaply enough for a monitor that asks every few seconds."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cobalt_mirror.db.deletions import find_returned
from cobalt_mirror.db.processes import list_processes
from cobalt_mirror.db.receivers import list_receivers
from cobalt_mirror.db.runs import list_runs
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.waiting import find_longest_due, find_retrying
from cobalt_mirror.workers.ops.actions import Cause, Facts, list_actions
from cobalt_mirror.workers.ops.overview import find_brake
from cobalt_mirror.workers.settings import Settings

#: The causes that are looked for: `web` needs no Redis, and another release's schema stops nothing.
WATCHED = tuple(cause for cause in Cause if cause not in {Cause.REDIS, Cause.NEWER_SCHEMA})


def read_causes(
    connection: Connection,
    settings: Settings,
    *,
    now: datetime,
    dead: Mapping[Move, int],
    write_failure: str | None,
) -> frozenset[Cause]:
    """Return for which of the causes `status` would call for the operator.

    Args:
        connection: A transaction that reads.
        settings: The settings in force.
        now: The time.
        dead: Number of dead events by who must act.
        write_failure: See `db.writable.find_write_failure`.
    """
    returned, first = find_returned(connection)
    facts = Facts(
        at=now,
        newer_schema=None,
        write_failure=write_failure,
        redis_failure=None,
        processes=list_processes(connection),
        halt=find_halt(connection),
        retrying=find_retrying(connection),
        longest_due=find_longest_due(connection, now),
        longest_wait=timedelta(seconds=settings.status_longest_wait_seconds),
        brake=find_brake(list_runs(connection)),
        returned=returned,
        first_returned=first,
        receivers=list_receivers(connection),
        dead=dead,
    )
    return frozenset(action.cause for action in list_actions(facts))
