"""How the whole installation fares, read in one transaction."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from cobalt_mirror.db import EventState, list_events
from cobalt_mirror.db.checks import count_checks
from cobalt_mirror.db.deletions import OpenDeletions, find_open_deletions
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.mirror import count_catalogue
from cobalt_mirror.db.notifications import Silence, find_silence, find_subscription
from cobalt_mirror.db.reads import count_events, find_oldest_waiting
from cobalt_mirror.db.runs import find_last_pass, list_runs
from cobalt_mirror.db.state import Halt, find_environment, find_halt
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.terminal.output import cell

#: After so many runs of the reconciliation that found something to repair, silence of Cobalt's is suspicious.
SILENT_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One moment of an installation.

    Attributes:
        at: the moment, by the database's clock.
        events: how many events there are by status.
        dead_by_move: how many dead events wait for whom: `operator`, `provider` or `customer`.
        dead: the latest of them.
        oldest_waiting_at: when the oldest pending event was recorded; None: nothing waits.
        rereads: how many subjects are to be read again although no event asks for it.
        deletions: those that are not over, and those that left something to know.
        halt: why no calls are made, if so.
        environment: the environment that the database is pinned to; None until the first success.
        applications: how many applications customers can connect.
        catalogue_read_at: when the catalogue was read last; None: never.
        passed_at: when the last complete reconciliation began; None: there was none.
        reconciliation: the row of the last run; None: there was none.
        webhook: where Cobalt was told to send notifications; None: nobody arranged it.
        warnings: what a person should look into, although nothing is at a standstill.
    """

    at: datetime
    events: dict[EventStatus, int]
    dead_by_move: dict[Move, int]
    dead: list[EventState]
    oldest_waiting_at: datetime | None
    rereads: int
    deletions: OpenDeletions
    halt: Halt | None
    environment: str | None
    applications: int
    catalogue_read_at: datetime | None
    passed_at: datetime | None
    reconciliation: dict[str, Any] | None
    webhook: str | None
    warnings: list[str]

    @property
    def pending(self) -> int:
        """How many events wait."""
        return self.events[EventStatus.PENDING]

    @property
    def needs_somebody(self) -> bool:
        """Whether a person has to act."""
        return self.halt is not None or bool(self.dead_by_move)


def read_overview(engine: Engine, *, dead: int = 20, clock: Clock = database_clock) -> Overview:
    """Read how things are, with the latest `dead` dead events."""
    with reading(engine).begin() as connection:
        by_status, by_move = Counter(dict.fromkeys(EventStatus, 0)), Counter[Move]()
        for (status, move), number in count_events(connection).items():
            by_status[status] += number
            if status is EventStatus.DEAD:
                by_move[move or Move.OPERATOR] += number
        known, read_at = count_catalogue(connection)
        return Overview(
            at=clock(connection),
            events=dict(by_status),
            dead_by_move=dict(by_move),
            dead=list_events(connection, status=EventStatus.DEAD, limit=dead),
            oldest_waiting_at=find_oldest_waiting(connection),
            rereads=count_checks(connection),
            deletions=find_open_deletions(connection),
            halt=find_halt(connection),
            environment=find_environment(connection),
            applications=known,
            catalogue_read_at=read_at,
            passed_at=find_last_pass(connection).accounts,
            reconciliation=next(iter(list_runs(connection, limit=1)), None),
            webhook=None if (subscription := find_subscription(connection)) is None else subscription.url,
            warnings=_silence(find_silence(connection)),
        )


def _silence(silence: Silence | None) -> list[str]:
    if silence is None or silence.repairing_runs < SILENT_RUNS:
        return []
    return [
        f"Cobalt has notified us of nothing since {cell(silence.since)}, while {silence.repairing_runs} runs of "
        "reconcile found something to repair; can it reach the webhook?"
    ]
