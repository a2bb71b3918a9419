"""The state of the whole installation, read in one transaction."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from cobalt_mirror.db import EventState, list_events
from cobalt_mirror.db.checks import count_checks
from cobalt_mirror.db.deletions import OpenDeletions, find_open_deletions
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.mirror import count_catalogue
from cobalt_mirror.db.notifications import Silence, find_silence, find_subscription
from cobalt_mirror.db.passes import find_last_pass
from cobalt_mirror.db.reads import count_events, find_oldest_waiting
from cobalt_mirror.db.runs import RunRow, list_runs
from cobalt_mirror.db.state import Halt, find_environment, find_halt
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.terminal.output import cell

#: Warn if so many reconciliations repaired something since Cobalt's last notification.
SILENT_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state of an installation at one moment.

    Attributes:
        at: The moment, by the database's clock.
        events: Number of events by status.
        dead_by_move: Number of dead events by who must act: `operator`, `provider` or `customer`.
        dead: The latest dead events.
        oldest_waiting_at: When the oldest pending event was recorded; None if none is pending.
        rereads: Number of subjects that will be read again without an event.
        deletions: Deletions that are not finished, and finished ones with a note.
        halt: Why calls are halted; None if they are not.
        environment: The environment that the database is pinned to; None before the first success.
        applications: Number of applications that customers can connect.
        catalogue_read_at: When the catalogue was last read; None if never.
        passed_at: When the last complete reconciliation began; None if there was none.
        reconciliation: The row of the last run; None if there was none.
        webhook: The URL to which Cobalt sends notifications; None if no webhook was registered.
        warnings: Problems to look into that do not stop the work.
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
    reconciliation: RunRow | None
    webhook: str | None
    warnings: list[str]

    @property
    def pending(self) -> int:
        """How many events wait."""
        return self.events[EventStatus.PENDING]

    @property
    def needs_action(self) -> bool:
        """Whether a person must act."""
        return self.halt is not None or bool(self.dead_by_move)


def read_overview(engine: Engine, *, dead: int = 20, clock: Clock = database_clock) -> Overview:
    """Read the state of the installation, with the latest `dead` dead events."""
    with reading(engine).begin() as connection:
        by_status, by_move = Counter(dict.fromkeys(EventStatus, 0)), Counter[Move]()
        for (status, move), number in count_events(connection).items():
            by_status[status] += number
            if status is EventStatus.DEAD:
                by_move[move or Move.OPERATOR] += number
        applications, read_at = count_catalogue(connection)
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
            applications=applications,
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
        f"no notification from Cobalt since {cell(silence.since)}, although {silence.repairing_runs} runs of "
        "reconcile found changes; check that Cobalt can reach the webhook"
    ]
