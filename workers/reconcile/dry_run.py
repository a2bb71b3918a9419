"""The dry run: read each suspected subject as a check would, and report the changes instead of writing them."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.mirror import find_configs, find_row
from cobalt_mirror.db.suspicions import Kind, Settled, Suspicion, count_open, list_open, settle
from cobalt_mirror.db.tables import configs, connections, linked_accounts
from cobalt_mirror.db.work import Check, Lease
from cobalt_mirror.workers.handlers.accounts import handle_account
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.job import Job
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
from cobalt_mirror.workers.reconcile.report import FieldDifference
from cobalt_mirror.workers.settings import Settings

_WHAT: dict[str, str] = {linked_accounts.name: "account", connections.name: "connection", configs.name: "config"}


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
        if suspicion.kind is Kind.UNKNOWN:
            return [listed_difference(suspicion)]
        job = self._job(suspicion)
        try:
            if suspicion.slug:
                handle_connection(job)
            else:
                handle_account(job)
        except CobaltError:
            outcome = Settled.LEFT
            self.journal.run.left += 1
        else:
            outcome = Settled.AGREED
        differences = [difference for table, row in job.rows for difference in self._differences(table, row)]
        with self.journal.writing() as (connection, now):
            settle(connection, self.journal.run.id, {suspicion.key: outcome}, now)
        return differences

    def _job(self, suspicion: Suspicion) -> Job:
        """Return a job with nothing but a check, so that all its calls are reads. Its lease is a dummy without end."""
        key = {"linked_account_id": suspicion.linked_account_id, "slug": suspicion.slug}
        with reading(self.journal.engine).begin() as connection:
            now = self.journal.clock(connection)
            return Job(
                client=self.client,
                settings=self.settings,
                lease=Lease(
                    linked_account_id=suspicion.linked_account_id, slug=suspicion.slug, token="", ends=math.inf
                ),
                now=now,
                monotonic=time.monotonic,
                pending=(),
                ended=(),
                check=Check(due_at=now, reason="a dry run", attempts=0),
                is_in_doubt=False,
                account=find_row(connection, linked_accounts, key),
                connection=find_row(connection, connections, key),
                configs=find_configs(connection, suspicion.linked_account_id, suspicion.slug),
            )

    def _differences(self, table: Table, row: dict[str, Any]) -> Iterator[FieldDifference]:
        with reading(self.journal.engine).begin() as connection:
            mirrored = find_row(connection, table, row)
        fields = {name: value for name, value in row.items() if not table.c[name].primary_key}
        if mirrored is None:
            yield _difference(table, row, "row", None, fields)
            return
        for column, value in fields.items():
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


def listed_difference(suspicion: Suspicion) -> FieldDifference:
    """Return the difference that the listing suggests for a subject; no read has proved it."""
    texts = {Kind.UNKNOWN: "listed", Kind.MISSING: "not listed", Kind.GONE: "not listed"}
    return FieldDifference(
        what="connection" if suspicion.slug else "account",
        linked_account_id=suspicion.linked_account_id,
        slug=suspicion.slug or None,
        column=", ".join(suspicion.differences) or "row",
        mirror=None if suspicion.kind is Kind.UNKNOWN else "as mirrored",
        cobalt=texts.get(suspicion.kind, "listed otherwise"),
        is_proved=False,
    )


def list_suggested(journal: Journal) -> Iterator[FieldDifference]:
    """Yield the differences that the listing suggests for all suspected subjects; no read has proved them."""
    after = None
    while True:
        with reading(journal.engine).begin() as connection:
            batch = list_open(connection, journal.run.id, after=after)
        if not batch:
            return
        after = batch[-1].key
        yield from (listed_difference(suspicion) for suspicion in batch if suspicion.kind is not Kind.CONFIGS)
