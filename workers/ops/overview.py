"""The state of the whole installation, read in one transaction, and the facts in it that call for the operator."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from cobalt_mirror.db import EventState, list_events
from cobalt_mirror.db.checks import count_checks
from cobalt_mirror.db.config_turns import ConfigReads, count_config_reads
from cobalt_mirror.db.deletions import OpenDeletions, find_open_deletions
from cobalt_mirror.db.denials import FEW_DENIED, count_denied
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.leases import InHand, find_in_hand
from cobalt_mirror.db.mirror import count_catalogue
from cobalt_mirror.db.notifications import Silence, find_silence, find_subscription
from cobalt_mirror.db.passes import find_last_pass
from cobalt_mirror.db.pauses import Pause, list_pauses
from cobalt_mirror.db.processes import ProcessRow, list_processes
from cobalt_mirror.db.reads import count_events
from cobalt_mirror.db.receivers import ReceiverState, list_receivers
from cobalt_mirror.db.runs import RunRow, list_runs
from cobalt_mirror.db.state import Halt, find_environment, find_halt
from cobalt_mirror.db.statuses import EventStatus, Move, ProcessKind
from cobalt_mirror.db.time_limits import limit_waits
from cobalt_mirror.db.waiting import Retrying, WaitingEvent, find_longest_due, find_longest_waiting, find_retrying
from cobalt_mirror.workers.ops.actions import Facts
from cobalt_mirror.workers.reconcile.brake import is_held
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.words import cell

#: So many of the latest runs are searched for the last one that compared everything.
_SEARCHED_RUNS = 20
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
        longest_waiting: That event.
        longest_due: The event that has been due for the longest time; None if none is due.
        in_hand: The accounts that workers hold.
        retrying: The events whose attempts fail, by who must act.
        processes: Our processes, by kind, the latest heartbeat first.
        rereads: Number of subjects that will be read again without an event.
        deletions: Deletions that are not finished, and finished ones with a note.
        halt: Why calls are halted; None if they are not.
        pauses: What is paused.
        environment: The environment that the database is pinned to; None before the first success.
        applications: Number of applications that customers can connect.
        catalogue_read_at: When the catalogue was last read; None if never.
        passed_at: When the last complete reconciliation began; None if there was none.
        configs: When reconciliations last read the configs of connections.
        reconciliation: The row of the last run; None if there was none.
        brake: Why the last run over everything was stopped by its brake; None if it was not.
        receivers: How the receivers of notices fare.
        webhook: The URL to which Cobalt sends notifications; None if no webhook was registered.
        warnings: Problems to look into that do not stop the work.
    """

    at: datetime
    events: dict[EventStatus, int]
    dead_by_move: dict[Move, int]
    dead: list[EventState]
    oldest_waiting_at: datetime | None
    longest_waiting: WaitingEvent | None
    longest_due: WaitingEvent | None
    in_hand: InHand
    retrying: Mapping[Move, Retrying]
    processes: list[ProcessRow]
    rereads: int
    deletions: OpenDeletions
    halt: Halt | None
    pauses: list[Pause]
    environment: str | None
    applications: int
    catalogue_read_at: datetime | None
    passed_at: datetime | None
    configs: ConfigReads
    reconciliation: RunRow | None
    brake: str | None
    receivers: list[ReceiverState]
    webhook: str | None
    warnings: list[str]

    @property
    def pending(self) -> int:
        """How many events wait."""
        return self.events[EventStatus.PENDING]

    def count_alive(self, kind: ProcessKind) -> int:
        """Return how many processes of a kind run."""
        return sum(process.kind is kind and process.is_alive(self.at) for process in self.processes)

    def facts(
        self, settings: Settings, *, newer_schema: str | None, write_failure: str | None, redis_failure: str | None
    ) -> Facts:
        """Return what decides whether the operator has to act.

        Args:
            settings: The settings in force.
            newer_schema: See `db.migrating.upgrade.check_migrated`.
            write_failure: See `db.writable.find_write_failure`.
            redis_failure: See `ops.readiness.find_redis_failure`.
        """
        return Facts(
            at=self.at,
            newer_schema=newer_schema,
            write_failure=write_failure,
            redis_failure=redis_failure,
            processes=self.processes,
            halt=self.halt,
            retrying=self.retrying,
            longest_due=self.longest_due,
            longest_wait=timedelta(seconds=settings.status_longest_wait_seconds),
            brake=self.brake,
            returned=self.deletions.returned,
            first_returned=self.deletions.first_returned,
            receivers=self.receivers,
            dead=self.dead_by_move,
        )


def read_overview(engine: Engine, *, dead: int = 20, clock: Clock = database_clock) -> Overview:
    """Read the state of the installation, with the latest `dead` dead events."""
    with reading(engine).begin() as connection:
        limit_waits(connection)
        by_status, by_move = Counter(dict.fromkeys(EventStatus, 0)), Counter[Move]()
        for (status, move), number in count_events(connection).items():
            by_status[status] += number
            if status is EventStatus.DEAD:
                by_move[move or Move.OPERATOR] += number
        applications, read_at = count_catalogue(connection)
        now, longest_waiting = clock(connection), find_longest_waiting(connection)
        runs = list_runs(connection, limit=_SEARCHED_RUNS)
        return Overview(
            at=now,
            events=dict(by_status),
            dead_by_move=dict(by_move),
            dead=list_events(connection, status=EventStatus.DEAD, limit=dead),
            oldest_waiting_at=None if longest_waiting is None else longest_waiting.recorded_at,
            longest_waiting=longest_waiting,
            longest_due=find_longest_due(connection, now),
            in_hand=find_in_hand(connection, now),
            retrying=find_retrying(connection),
            processes=list_processes(connection),
            rereads=count_checks(connection),
            deletions=find_open_deletions(connection),
            halt=find_halt(connection),
            pauses=list_pauses(connection, now),
            environment=find_environment(connection),
            applications=applications,
            catalogue_read_at=read_at,
            passed_at=find_last_pass(connection).accounts,
            configs=count_config_reads(connection),
            reconciliation=next(iter(runs), None),
            brake=find_brake(runs),
            receivers=list_receivers(connection),
            webhook=None if (subscription := find_subscription(connection)) is None else subscription.url,
            warnings=[*_silence(find_silence(connection)), *_denied(*count_denied(connection))],
        )


def find_brake(runs: Sequence[RunRow]) -> str | None:
    """Return why the last run over everything was stopped by its brake; None if it was not.

    Args:
        runs: The latest runs, newest first. A dry run, or one of a few accounts, says nothing about the brake.
    """
    over_everything = (run for run in runs if not any(run.options.get(name) for name in _OF_A_PART))
    last = next(over_everything, None)
    return last.stopped_because if last is not None and is_held(last.stopped_because) else None


#: Options of runs that do not compare everything, or only look.
_OF_A_PART = ("account", "older_than_seconds", "dry_run")


def _silence(silence: Silence | None) -> list[str]:
    if silence is None or silence.repairing_runs < SILENT_RUNS:
        return []
    return [
        f"no notification from Cobalt since {cell(silence.since)}, although {silence.repairing_runs} runs of "
        "reconcile found changes; check that Cobalt can reach the webhook"
    ]


def _denied(denied: int, accounts: int) -> list[str]:
    if denied <= FEW_DENIED:
        return []
    return [
        f"Cobalt says that it does not have {denied} of {accounts} accounts, which looks like an outage: their events "
        "are tried again, and nothing is written off. If they were deleted there, run "
        "`cobalt-mirror reconcile --allow-missing`"
    ]
