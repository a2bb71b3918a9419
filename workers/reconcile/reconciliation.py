"""One run of the reconciliation, from taking its place (so that only one runs) to releasing it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.cobalt import Client, CobaltError, UnknownAccount
from cobalt_mirror.db.config_turns import ConfigReads, Turn, count_config_reads, want_configs
from cobalt_mirror.db.deletions import find_returned
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.errors import DatabaseError, PlaceLost
from cobalt_mirror.db.listing import find_account_subjects
from cobalt_mirror.db.passes import LastPass, find_last_pass, record_pass
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.runs import begin_run, end_run
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import SuspicionKind
from cobalt_mirror.db.suspicions import (
    Suspicion,
    count_suspected_gone,
    forget_settled,
    forget_suspicions,
    leave_open_ones,
    record_suspicions,
    suspect_missing,
)
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.errors import BrakeHeld, WorkHalted, WorkPaused
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile.brake import brake
from cobalt_mirror.workers.reconcile.calls import CallCounter
from cobalt_mirror.workers.reconcile.comparison import listed_connections
from cobalt_mirror.workers.reconcile.dry_run import DryRun, list_suggested
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.mapping import Mapper
from cobalt_mirror.workers.reconcile.options import Options
from cobalt_mirror.workers.reconcile.progress import ShowProgress, show_nothing
from cobalt_mirror.workers.reconcile.repair import Repair
from cobalt_mirror.workers.reconcile.report import FieldDifference, Report
from cobalt_mirror.workers.reconcile.sweep import Sweep
from cobalt_mirror.workers.reconcile.turns import turn_of
from cobalt_mirror.workers.reconcile.walk import Walk, adopt_unknown

log = structlog.get_logger()

#: Errors that end a run early and are written into its row. Any other error leaves the row as SIGKILL would.
_ENDS_EARLY = (
    BrakeHeld,
    CobaltError,
    DatabaseError,
    WorkHalted,
    WorkPaused,
    SQLAlchemyError,
    KeyboardInterrupt,
    SystemExit,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Make the mirror agree with Cobalt, one run at a time.

    Attributes:
        attempts: Makes attempts at accounts, with a client in the governor's bulk lane.
        calls: Counter of that client's calls.
        page_size: Number of accounts to request per page of the listing.
    """

    attempts: Attempts
    catalogue: Catalogue
    calls: CallCounter
    clock: Clock = database_clock
    sleep: Callable[[float], None] = time.sleep
    page_size: int = 100

    @property
    def client(self) -> Client:
        """The client whose calls are counted."""
        return self.attempts.client

    def run(self, options: Options, *, show_progress: ShowProgress = show_nothing) -> Report:
        """Reconcile. Repairs are committed account by account, so an early end loses nothing.

        Args:
            options: What to compare and whether to repair it.
            show_progress: Called with the progress of each stage.

        Returns:
            The run's row; `report.ending` says whether the mirror agrees now. If the run could not finish,
            `report.run.stopped_because` says why; start it again.

        Raises:
            PlaceTaken: Another run is under way. Wait for it.
            KeyboardInterrupt, SystemExit: Raised again after the row says that the run was interrupted.
        """
        with self.attempts.engine.begin() as connection:
            run = begin_run(connection, options.as_row(), self.clock(connection))
        journal = Journal(
            engine=self.attempts.engine,
            clock=self.clock,
            run=run,
            calls=self.calls,
            recorder=self.attempts.recorder,
            sleep=self.sleep,
        )
        mapper = Mapper(catalogue=self.catalogue, journal=journal, dry_run=options.dry_run)
        differences: list[FieldDifference] = []
        configs: ConfigReads | None = None
        returned, first_returned = 0, None
        try:
            with journal.writing():  # no call is made while it is paused
                pass
            self._check_key()
            if run.walked_at is None:
                self._walk(mapper, options, show_progress)
            self._brake(journal, options, differences)
            if options.dry_run:
                differences += DryRun(
                    client=self.client, settings=self.attempts.settings, journal=journal, show_progress=show_progress
                ).run()
            else:
                adopt_unknown(journal)
                self._want_configs(journal, options)
                Repair(attempts=self.attempts, journal=journal, show_progress=show_progress).run()
                self._sweep(journal, options)
        except _ENDS_EARLY as error:
            self._stop(journal, options, error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            configs = self._finish(journal, options)
            with reading(self.attempts.engine).begin() as connection:
                returned, first_returned = find_returned(connection, only=options.account)
        return Report(
            run=run,
            differences=differences,
            unmapped=mapper.names,
            configs=configs,
            returned=returned,
            first_returned=first_returned,
        )

    def _check_key(self) -> None:
        """Raise WorkHalted if calls are halted or the key is of the other environment. Make a probe that is due."""
        if self.attempts.breaker.allows_calls():
            return
        with reading(self.attempts.engine).begin() as connection:
            halt = find_halt(connection)
        if halt is None:
            raise WorkHalted("work was halted until a moment ago; run reconcile again")
        raise WorkHalted(f"work is halted: {halt.reason}")

    # --- the walk -----------------------------------------------------------------------------------------------------

    def _walk(self, mapper: Mapper, options: Options, show_progress: ShowProgress) -> None:
        journal, run, cutoff = mapper.journal, mapper.journal.run, None
        mapper.load()
        with reading(journal.engine).begin() as connection:
            last = find_last_pass(connection)
        if options.older_than is not None:
            cutoff = run.walking_since - options.older_than
        walk = Walk(
            client=self.client,
            journal=journal,
            mapper=mapper,
            dry_run=options.dry_run,
            should_compare=_older_than(cutoff, last),
            show_progress=show_progress,
            page_size=self.page_size,
        )
        if options.account is None:
            walk.run()
        else:
            self._one_account(walk, options.account)
        with journal.writing() as (connection, now):
            run.walked_at = now
            if options.account is not None:
                return
            if cutoff is None or last.accounts is None or last.accounts < cutoff:
                suspect_missing(connection, run.id, walking_since=run.walking_since, verified_before=cutoff)
            if options.dry_run:
                want_configs(connection, run.id, self._turn(connection, options, now))

    def _want_configs(self, journal: Journal, options: Options) -> None:
        """Suspect the configs whose turn it is, so that they are read; also those of accounts adopted in this run."""
        if options.account is None:
            with journal.writing() as (connection, now):
                want_configs(connection, journal.run.id, self._turn(connection, options, now))

    def _turn(self, connection: Connection, options: Options, now: datetime) -> Turn:
        last = find_last_pass(connection).accounts
        return turn_of(self.attempts.settings, now=now, last=last, deep=options.deep)

    def _one_account(self, walk: Walk, account: str) -> None:
        """Compare one account, and suspect everything under it, so that it is read."""
        try:
            with walk.journal.recording(linked_account_id=account):
                answer = self.client.fetch_account(account)
        except UnknownAccount:
            slugs, kind = [""], SuspicionKind.MISSING
        else:
            walk.compare([answer])
            slugs, kind = sorted(listed_connections(answer, walk.mapper.slugs) or ()), SuspicionKind.CONFIGS
        with walk.journal.writing() as (connection, _):
            slugs += find_account_subjects(connection, account)
            suspicions = [Suspicion(linked_account_id=account, slug=slug, kind=kind) for slug in dict.fromkeys(slugs)]
            record_suspicions(connection, walk.journal.run.id, suspicions)

    def _brake(self, journal: Journal, options: Options, differences: list[FieldDifference]) -> None:
        if options.allow_missing or options.account is not None:
            return
        with reading(journal.engine).begin() as connection:
            missing, accounts, gone, connections = count_suspected_gone(connection, journal.run.id)
        try:
            brake(self.attempts.settings, missing=missing, accounts=accounts, gone=gone, connections=connections)
        except BrakeHeld:
            if journal.run.contradiction is not None:  # such a listing proves nothing, and the rest can be known
                self._leave_absent(journal)
                return
            journal.run.position = 0  # the next run walks anew: the listing may be whole again
            if options.dry_run:
                differences += list_suggested(journal)
            raise

    def _leave_absent(self, journal: Journal) -> None:
        """Leave alone what seems gone, as it is too much; it stays in doubt."""
        with journal.writing() as (connection, _):
            absent = (SuspicionKind.MISSING, SuspicionKind.GONE)
            journal.run.left += leave_open_ones(connection, journal.run.id, kinds=absent)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _sweep(self, journal: Journal, options: Options) -> None:
        if options.account is None:
            Sweep(attempts=self.attempts, catalogue=self.catalogue, journal=journal).run()

    def _finish(self, journal: Journal, options: Options) -> ConfigReads:
        run = journal.run
        with journal.engine.begin() as connection:
            run.finished_at, run.calls = self.clock(connection), self.calls.calls
            configs = count_config_reads(connection, since=run.walking_since, linked_account_id=options.account)
            if options.is_pass and run.contradiction is None:
                record_pass(connection, run)
            if options.dry_run:
                forget_suspicions(connection, run.id)
            else:
                forget_settled(connection, run.id)
            end_run(connection, run)
        return configs

    def _stop(self, journal: Journal, options: Options, error: BaseException) -> None:
        """Record in the run's row why it ended early. `finished_at` stays empty, so it never counts as complete."""
        run = journal.run
        run.stopped_because = _reason(error)
        run.calls = self.calls.calls
        log.warning("reconciliation_stopped", run=run.id, reason=run.stopped_because)
        if isinstance(error, PlaceLost):
            return
        try:
            with journal.engine.begin() as connection:
                if options.dry_run:
                    run.position = 0
                if run.position == 0:
                    forget_suspicions(connection, run.id)
                end_run(connection, run)
        except (SQLAlchemyError, DatabaseError) as failure:
            log.warning("run_not_recorded", run=run.id, error=str(failure))


def _older_than(cutoff: datetime | None, last: LastPass) -> Callable[[AccountRow], bool]:
    """Return a filter: whether an account of the mirror was neither read nor found unchanged since the cutoff."""

    def is_older(row: AccountRow) -> bool:
        if cutoff is None:
            return True
        moments = [moment for moment in (row.verified_at, last.accounts) if moment is not None]
        return max(moments, default=cutoff) <= cutoff

    return is_older


def _reason(error: BaseException) -> str:
    match error:
        case KeyboardInterrupt() | SystemExit():
            return "interrupted"
        case _:
            return str(error) or type(error).__name__
