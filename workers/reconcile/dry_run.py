"""A dry run's look: reads a subject as a check would, and tells what would change instead of changing it."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from sqlalchemy import Table

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.db.mirror import find_configs, find_row
from cobalt_mirror.db.statuses import SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.suspicions import Suspicion, count_open, list_open, settle
from cobalt_mirror.db.tables import configs, connections, linked_accounts
from cobalt_mirror.workers.handlers.accounts import handle_account
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.job import Job
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import Progress, Stage
from cobalt_mirror.workers.reconcile.report import DifferingRow, FieldDifference
from cobalt_mirror.workers.settings import Settings

_WHAT = {
    linked_accounts.name: DifferingRow.ACCOUNT,
    connections.name: DifferingRow.CONNECTION,
    configs.name: DifferingRow.CONFIG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Reads what is in doubt without a lease, for nothing is written. A lease-holder may be quicker: look again."""

    client: Client
    settings: Settings
    journal: Journal
    shown: Progress

    def through(self) -> list[FieldDifference]:
        """Read every subject in doubt.

        Returns:
            What differs, field by field, in the order of accounts and applications.
        """
        run, after, done = self.journal.run, None, 0
        found: list[FieldDifference] = []
        with reading(self.journal.engine).begin() as connection:
            total = count_open(connection, run.id)
        while True:
            with reading(self.journal.engine).begin() as connection:
                batch = list_open(connection, run.id, after=after)
            if not batch:
                return found
            after = batch[-1].key
            for one in batch:
                found += self._subject(one)
                done += 1
                self.shown(Stage.READ, done=done, total=total)

    def _subject(self, one: Suspicion) -> list[FieldDifference]:
        if one.kind is SuspicionKind.UNKNOWN:
            return [listed_difference(one)]
        job = self._job(one)
        try:
            if one.slug:
                handle_connection(job)
            else:
                handle_account(job)
        except CobaltError:
            outcome = SuspicionOutcome.LEFT
            self.journal.run.left += 1
        else:
            outcome = SuspicionOutcome.AGREED
        found = [difference for table, row in job.rows for difference in self._differences(table, row)]
        with self.journal.writing() as (connection, now):
            settle(connection, self.journal.run.id, {one.key: outcome}, now)
        return found

    def _job(self, one: Suspicion) -> Job:
        """A job that only a check asks for: all its calls are reads. Its lease is nobody's and never ends."""
        key = {"linked_account_id": one.linked_account_id, "slug": one.slug}
        with reading(self.journal.engine).begin() as connection:
            now = self.journal.clock(connection)
            return Job(
                client=self.client,
                settings=self.settings,
                lease=Lease(linked_account_id=one.linked_account_id, slug=one.slug, token="", ends=math.inf),
                now=now,
                monotonic=time.monotonic,
                pending=(),
                ended=(),
                check=Check(due_at=now, reason="a dry run", attempts=0),
                is_in_doubt=False,
                account=find_row(connection, linked_accounts, key),
                connection=find_row(connection, connections, key),
                configs=find_configs(connection, one.linked_account_id, one.slug),
            )

    def _differences(self, table: Table, row: dict[str, Any]) -> Iterator[FieldDifference]:
        with reading(self.journal.engine).begin() as connection:
            mirrored = find_row(connection, table, row)
        told = {name: value for name, value in row.items() if not table.c[name].primary_key}
        if mirrored is None:
            yield _difference(table, row, "row", None, told)
            return
        for column, value in told.items():
            if mirrored[column] != value:
                yield _difference(table, row, column, mirrored[column], value)


def _difference(table: Table, key: Mapping[str, Any], column: str, mirror: Any, cobalt: Any) -> FieldDifference:
    return FieldDifference(
        what=_WHAT[table.name],
        linked_account_id=key["linked_account_id"],
        slug=key.get("slug"),
        config_id=key.get("config_id"),
        column=column,
        mirror=mirror,
        cobalt=cobalt,
    )


def listed_difference(one: Suspicion) -> FieldDifference:
    """What the listing alone suggests about a subject."""
    return FieldDifference(
        what=DifferingRow.CONNECTION if one.slug else DifferingRow.ACCOUNT,
        linked_account_id=one.linked_account_id,
        slug=one.slug or None,
        column=", ".join(one.differences) or "row",
        mirror=None if one.kind is SuspicionKind.UNKNOWN else "as mirrored",
        cobalt=_listed_as(one.kind),
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
    """What the listing alone suggests about every subject in doubt, nothing of it proved."""
    after = None
    while True:
        with reading(journal.engine).begin() as connection:
            batch = list_open(connection, journal.run.id, after=after)
        if not batch:
            return
        after = batch[-1].key
        yield from (listed_difference(one) for one in batch if one.kind is not SuspicionKind.CONFIGS)
