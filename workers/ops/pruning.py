"""Deletes what is old and not needed any more: a batch at a time, with a pause after each, until it is stopped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import groupby
from threading import Event
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.log import Key
from cobalt_mirror.db.pruning import (
    FinishedEvent,
    Step,
    begin_batch,
    delete_events,
    prune_bodies,
    prune_calls,
    prune_changes,
    prune_history,
    prune_notices,
    prune_walks,
    read_finished,
    read_finished_of,
)
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import InvalidEvent
from cobalt_mirror.events.stored import read_entry
from cobalt_mirror.workers.ops.batches import pausing
from cobalt_mirror.workers.ops.keeping import Keeper

#: How many rows a batch reads at most.
BATCH = 1_000
#: How long the bodies of notifications are kept.
BODIES_KEPT = timedelta(days=7)
#: How long notices wait at least.
PENDING_NOTICES_KEPT = timedelta(days=7)


class Part(StrEnum):
    """What is pruned, in order."""

    EVENTS = "events"
    HISTORY = "entries of the history"
    CALLS = "calls"
    CHANGES = "entries of the change feed"
    BODIES = "notification bodies"
    WALKS = "notes of runs"
    NOTICES = "notices"


T = TypeVar("T")


class PruneNumbered(Protocol):
    """A function that prunes a part of a table whose rows are numbered."""

    def __call__(
        self, connection: Connection, /, before: datetime, *, after: int, limit: int, dry_run: bool
    ) -> Step: ...


#: How many rows of each part have been deleted or emptied so far.
Counts = dict[Part, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """One run over everything.

    Attributes:
        engine: the database.
        vault: the keys that open sealed values.
        older_than: the age of what may go.
        is_dry_run: whether only to count.
        stop: ends the run after the batch in progress.
        show: is told the counts after each batch.
    """

    engine: Engine
    vault: Vault
    older_than: timedelta
    is_dry_run: bool = False
    batch: int = BATCH
    clock: Clock = database_clock
    stop: Event = field(default_factory=Event)
    show: Callable[[Counts], object] = lambda _counts: None

    def run(self) -> Counts:
        """Prune until nothing is left or a stop is asked for, and return how many rows went, or would go."""
        with reading(self.engine).begin() as connection:
            now: datetime = self.clock(connection)
        counts: Counts = dict.fromkeys(Part, 0)
        for part, rows in self._batches(now):
            counts[part] += rows
            self.show(counts)
            if self.stop.is_set():
                break
        return counts

    def _batches(self, now: datetime) -> Iterator[tuple[Part, int]]:
        before = now - self.older_than
        bodies_before = now - min(BODIES_KEPT, self.older_than)
        for rows in self._prune_events(before):
            yield Part.EVENTS, rows
        numbered: Sequence[tuple[Part, PruneNumbered, datetime]] = (
            (Part.HISTORY, prune_history, before),
            (Part.CALLS, prune_calls, before),
            (Part.CHANGES, prune_changes, before),
            (Part.BODIES, prune_bodies, bodies_before),
        )
        for part, prune, moment in numbered:
            for rows in self._prune_numbered(prune, moment):
                yield part, rows
        for rows in self._prune_some(partial(prune_walks, before=before)):
            yield Part.WALKS, rows
        pending_before = min(before, now - PENDING_NOTICES_KEPT)
        for rows in self._prune_some(partial(prune_notices, before=before, pending_before=pending_before)):
            yield Part.NOTICES, rows

    # --- events -------------------------------------------------------------------------------------------------------

    def _prune_events(self, before: datetime) -> Iterator[int]:
        """Go through the accounts in order."""
        after: str | None = None
        while rows := self._read(partial(read_finished, before=before, after=after, limit=self.batch)):
            accounts = [list(group) for _, group in groupby(rows, key=lambda row: row.logged.linked_account_id)]
            after = accounts[-1][0].logged.linked_account_id
            if len(rows) < self.batch:
                yield self._delete(before, [key for account in accounts for key in self._unneeded(account, Keeper())])
                return
            if len(accounts) == 1:  # more events than a batch has
                yield from self._prune_account(before, after)
                continue
            accounts.pop()  # there may be more of it
            after = accounts[-1][0].logged.linked_account_id
            yield self._delete(before, [key for account in accounts for key in self._unneeded(account, Keeper())])

    def _prune_account(self, before: datetime, account: str) -> Iterator[int]:
        keeper, older_than = Keeper(), None
        read = partial(read_finished_of, before=before, linked_account_id=account, limit=self.batch)
        while rows := self._read(partial(read, older_than=older_than)):
            older_than = rows[-1].logged.order
            yield self._delete(before, self._unneeded(rows, keeper))

    def _unneeded(self, rows: Sequence[FinishedEvent], keeper: Keeper) -> list[Key]:
        """Return which of an account's events may go, the newest first."""
        newest_first = sorted(rows, key=lambda row: row.logged.order, reverse=True)
        return [row.logged.key for row in newest_first if not self._is_needed(row, keeper) and row.is_old]

    def _is_needed(self, row: FinishedEvent, keeper: Keeper) -> bool:
        if row.logged.status is not EventStatus.DONE:
            return False
        try:
            return keeper.needs(read_entry(row.logged, self.vault))
        except (InvalidEvent, CannotUnseal):  # nobody can tell
            return True

    def _delete(self, before: datetime, keys: Sequence[Key]) -> int:
        if self.is_dry_run or not keys:
            return len(keys)
        return self._in_batch(lambda connection: delete_events(connection, keys, before))

    def _read(self, read: Callable[[Connection], list[FinishedEvent]]) -> list[FinishedEvent]:
        if self.stop.is_set():
            return []
        return pausing(lambda: self._reading(read), self.stop)

    def _reading(self, read: Callable[[Connection], T]) -> T:
        with reading(self.engine).begin() as connection:
            return read(connection)

    # --- everything else ----------------------------------------------------------------------------------------------

    def _prune_numbered(self, prune: PruneNumbered, before: datetime) -> Iterator[int]:
        after: int | None = 0
        while after is not None and not self.stop.is_set():
            work = partial(prune, before=before, after=after, limit=self.batch, dry_run=self.is_dry_run)
            step = self._in_batch(work)
            after = step.after
            yield step.rows

    def _prune_some(self, prune: Callable[..., int]) -> Iterator[int]:
        work = partial(prune, limit=self.batch, dry_run=self.is_dry_run)
        while not self.stop.is_set() and (rows := self._in_batch(work)):
            yield rows
            if self.is_dry_run:
                return

    # --- batches ------------------------------------------------------------------------------------------------------

    def _in_batch(self, work: Callable[[Connection], T]) -> T:
        return pausing(lambda: self._reading(work) if self.is_dry_run else self._writing(work), self.stop)

    def _writing(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            begin_batch(connection)
            return work(connection)
