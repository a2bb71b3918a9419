"""What is true of the whole installation, in numbers, for a monitor that asks often: no statement reads a whole log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cobalt_mirror.db.feed import find_oldest_unnumbered
from cobalt_mirror.db.notifications import DELIVERY_TEST
from cobalt_mirror.db.passes import find_last_pass
from cobalt_mirror.db.pauses import list_pauses
from cobalt_mirror.db.processes import list_processes
from cobalt_mirror.db.receivers import find_longest_due_notice, list_receivers
from cobalt_mirror.db.runs import count_drift
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import ConnectionStatus, EventStatus, Move, ProcessKind
from cobalt_mirror.db.tables import connections, events, is_pending, notifications
from cobalt_mirror.db.waiting import find_longest_due


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """Numbers of one moment.

    Attributes:
        waiting: pending events by type.
        oldest_due_seconds: for how long the event has been due that is due the longest; 0: none is due.
        dead: dead events by who has to act.
        halted: who has to act for calls to be made again; None: they are made.
        pauses: how many pauses are in force.
        connections: connections of the mirror by status.
        processes: our processes by kind, as far as their heartbeats tell.
        passed_at: when the last complete reconciliation began; None: there was none.
        notified_at: when Cobalt's last notification came; None: none did.
        drift: what all reconciliations have found so far, by what became of it.
        unnumbered_seconds: for how long the oldest entry without a position has waited for one; 0: none waits.
        notices_pending: how many notices wait, including those of failures that have not settled.
        notices_failed: how many were given up.
        notices_due_seconds: for how long the oldest due notice has been due; 0: none is.
        receivers_disabled: to how many receivers nothing is sent.
    """

    waiting: Mapping[str, int]
    oldest_due_seconds: float
    dead: Mapping[Move, int]
    halted: Move | None
    pauses: int
    connections: Mapping[ConnectionStatus, int]
    processes: Mapping[ProcessKind, int]
    passed_at: datetime | None
    notified_at: datetime | None
    drift: Mapping[str, int]
    unnumbered_seconds: float
    notices_pending: int
    notices_failed: int
    notices_due_seconds: float
    receivers_disabled: int


def read_gauges(connection: Connection, now: datetime) -> Gauges:
    """Read all of them.

    Args:
        connection: a transaction that reads.
        now: the time.
    """
    waiting = select(events.c.type, func.count()).where(is_pending).group_by(events.c.type)
    is_dead = events.c.status == EventStatus.DEAD
    dead = select(events.c.move, func.count()).where(is_dead).group_by(events.c.move)
    by_status = select(connections.c.status, func.count().label("number")).group_by(connections.c.status)
    notified_at = select(func.max(notifications.c.received_at, type_=notifications.c.received_at.type))
    longest, halt = find_longest_due(connection, now), find_halt(connection)
    counted: dict[Move, int] = dict.fromkeys(Move, 0)
    for move, number in connection.execute(dead):
        counted[move or Move.OPERATOR] += number
    receivers = list_receivers(connection)
    alive = [process for process in list_processes(connection) if process.is_alive(now)]
    return Gauges(
        waiting={str(type_): number for type_, number in connection.execute(waiting)},
        oldest_due_seconds=0.0 if longest is None else (now - longest.due_at).total_seconds(),
        dead=counted,
        halted=None if halt is None else halt.move,
        pauses=len(list_pauses(connection, now)),
        connections={
            **dict.fromkeys(ConnectionStatus, 0),
            **{row.status: row.number for row in connection.execute(by_status)},
        },
        processes={kind: sum(process.kind is kind for process in alive) for kind in ProcessKind},
        passed_at=find_last_pass(connection).accounts,
        notified_at=connection.execute(notified_at.where(notifications.c.event != DELIVERY_TEST)).scalar_one(),
        drift=count_drift(connection),
        unnumbered_seconds=_age(now, find_oldest_unnumbered(connection)),
        notices_pending=sum(receiver.pending for receiver in receivers),
        notices_failed=sum(receiver.failed for receiver in receivers),
        notices_due_seconds=_age(now, find_longest_due_notice(connection)),
        receivers_disabled=sum(receiver.disabled_at is not None for receiver in receivers),
    )


def _age(now: datetime, moment: datetime | None) -> float:
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)
