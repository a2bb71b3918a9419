"""The dry run: read each suspected subject as a check would, and report the changes instead of writing them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.mirror import find_account_row, find_app_id, find_configs, find_connection_row, find_row
from cobalt_mirror.db.rows import Change
from cobalt_mirror.db.statuses import SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.suspicions import Suspicion, count_open, list_open, settle
from cobalt_mirror.db.tables import configs, connections, linked_accounts
from cobalt_mirror.workers.errors import AccountDenied
from cobalt_mirror.workers.handlers.access import Reader
from cobalt_mirror.workers.handlers.accounts import read_account
from cobalt_mirror.workers.handlers.connections import read_connection
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
from cobalt_mirror.workers.reconcile.report import DifferingRow, FieldDifference
from cobalt_mirror.workers.settings import Settings

_WHAT = {
    linked_accounts.name: DifferingRow.ACCOUNT,
    connections.name: DifferingRow.CONNECTION,
    configs.name: DifferingRow.CONFIG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Read suspected subjects without a lease, as nothing is written.

    A worker may change a subject at the same time, so a reported difference may be gone in the next run.
    """

    client: Client
    settings: Settings
    journal: Journal
    show_progress: ShowProgress

    def run(self) -> list[FieldDifference]:
        """Read every suspected subject.

        Returns:
            The differences, field by field, in the order of accounts and applications.
        """
        run, after, done = self.journal.run, None, 0
        differences: list[FieldDifference] = []
        with reading(self.journal.engine).begin() as connection:
            total = count_open(connection, run.id)
        while True:
            with reading(self.journal.engine).begin() as connection:
                batch = list_open(connection, run.id, after=after)
            if not batch:
                return differences
            after = batch[-1].key
            for suspicion in batch:
                differences += self._subject(suspicion)
                done += 1
                self.show_progress(Stage.READ, done=done, total=total)

    def _subject(self, suspicion: Suspicion) -> list[FieldDifference]:
        if suspicion.kind is SuspicionKind.UNKNOWN:
            return [listed_difference(suspicion)]
        findings = Findings.begin(self._load(suspicion))
        cobalt = Reader(self.client, suspicion.linked_account_id, suspicion.slug)
        try:
            with self.journal.recording(linked_account_id=suspicion.linked_account_id, slug=suspicion.slug):
                _read(suspicion, cobalt, findings)
        except (CobaltError, AccountDenied):
            is_read = False
        else:
            is_read = _is_read(suspicion, findings)
        outcome = SuspicionOutcome.AGREED if is_read else SuspicionOutcome.LEFT
        self.journal.run.left += not is_read
        differences = [difference for change in findings.changes for difference in self._differences(change)]
        with self.journal.writing() as (connection, now):
            settle(connection, self.journal.run.id, {suspicion.key: outcome}, now)
        return differences

    def _load(self, suspicion: Suspicion) -> Loaded:
        """What a check of the subject alone would load, without its lease."""
        account_id, slug = suspicion.linked_account_id, suspicion.slug
        with reading(self.journal.engine).begin() as connection:
            return Loaded(
                account_id=account_id,
                slug=slug,
                now=self.journal.clock(connection),
                settings=self.settings,
                account=find_account_row(connection, account_id),
                connection=find_connection_row(connection, account_id, slug),
                configs=find_configs(connection, account_id, slug),
                app_id=find_app_id(connection, slug),
            )

    def _differences(self, change: Change) -> Iterator[FieldDifference]:
        with reading(self.journal.engine).begin() as connection:
            row = find_row(connection, change.table, change.key)
        if row is None:
            yield _difference(change, "row", None, change.columns)
            return
        for column, value in change.columns.items():
            if not is_same(row[column], value):
                yield _difference(change, column, row[column], value)


def _read(suspicion: Suspicion, cobalt: Reader, findings: Findings) -> None:
    if suspicion.slug:
        read_connection(findings.loaded, cobalt, findings)
    else:
        read_account(cobalt, findings, is_expected=suspicion.kind is SuspicionKind.MISSING)


def _is_read(suspicion: Suspicion, findings: Findings) -> bool:
    """Return whether a read said something of the subject: not so if its application is not enabled."""
    is_expected = findings.loaded.connection is not None or suspicion.kind is SuspicionKind.CHANGED
    return bool(findings.changes or findings.checks) or not (suspicion.slug and is_expected)


def _difference(change: Change, column: str, mirror: Any, cobalt: Any) -> FieldDifference:
    return FieldDifference(
        what=_WHAT[change.table.name],
        linked_account_id=change.key["linked_account_id"],
        slug=change.key.get("slug"),
        config_id=change.key.get("config_id"),
        column=column,
        mirror=mirror,
        cobalt=cobalt,
    )


def listed_difference(suspicion: Suspicion) -> FieldDifference:
    """What the listing alone suggests about a subject."""
    return FieldDifference(
        what=DifferingRow.CONNECTION if suspicion.slug else DifferingRow.ACCOUNT,
        linked_account_id=suspicion.linked_account_id,
        slug=suspicion.slug or None,
        column=", ".join(suspicion.differences) or "row",
        mirror=None if suspicion.kind is SuspicionKind.UNKNOWN else "as mirrored",
        cobalt=_listed_as(suspicion.kind),
        is_proved=False,
    )


def _listed_as(kind: SuspicionKind) -> str:
    match kind:
        case SuspicionKind.UNKNOWN:
            return "listed"
        case SuspicionKind.MISSING | SuspicionKind.GONE:
            return "not listed"
        case SuspicionKind.CHANGED | SuspicionKind.CONFIGS:
            return "listed otherwise"
    assert_never(kind)


def list_suggested(journal: Journal) -> Iterator[FieldDifference]:
    """Yield the differences that the listing suggests for all suspected subjects; no read has proved them."""
    after = None
    while True:
        with reading(journal.engine).begin() as connection:
            batch = list_open(connection, journal.run.id, after=after)
        if not batch:
            return
        after = batch[-1].key
        yield from (listed_difference(suspicion) for suspicion in batch if suspicion.kind is not SuspicionKind.CONFIGS)
