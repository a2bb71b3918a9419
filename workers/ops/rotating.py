"""Sealing everything with the first key in `MIRROR_SECRET_KEYS`: a batch at a time, until nothing is left."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from sqlalchemy import Engine

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.pruning import begin_batch
from cobalt_mirror.db.sealed import Page, Place, Replacement, read_not_sealed_by, replace, replacement_for
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.ops.batches import pausing

#: How many rows a batch reads at most. So many are sealed anew in some hundredths of a second.
BATCH = 500
#: A run ends when it has gone through the table so often in a row and found only rows in use.
_IN_VAIN = 2


@dataclass(slots=True, kw_only=True)
class Rotated:
    """What a rotation did.

    Attributes:
        resealed: how many events are sealed with the first key now.
        unopened: how many no key opens; they are left as they are.
        in_use: how many others had in use the whole time; they are left as they are.
    """

    resealed: int = 0
    unopened: int = 0
    in_use: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One run that seals everything with the first key. Each batch stays, so another run goes on where one ended.

    Attributes:
        engine: the database.
        vault: the keys; there is one at least.
        batch: how many rows of the table a batch reads.
        stop: ends the run after the batch in progress.
        show: is told after each batch what was done so far.
    """

    engine: Engine
    vault: Vault
    batch: int = BATCH
    stop: Event = field(default_factory=Event)
    show: Callable[[Rotated], object] = lambda _rotated: None

    def run(self) -> Rotated:
        """Go through the table until nothing is left that can be sealed anew, or a stop is asked for."""
        rotated, in_vain = Rotated(), 0
        while in_vain < _IN_VAIN:
            before = rotated.resealed
            self._go_through(rotated)
            if self.stop.is_set() or not rotated.in_use:
                break
            in_vain = in_vain + 1 if rotated.resealed == before else 0
        return rotated

    def _go_through(self, rotated: Rotated) -> None:
        rotated.unopened = rotated.in_use = 0
        after: Place | None = None
        while not self.stop.is_set():
            page = pausing(partial(self._read, after), self.stop)
            replacements = list(self._seal(page, rotated))
            written = pausing(partial(self._write, replacements), self.stop) if replacements else 0
            rotated.resealed += written
            rotated.in_use += len(replacements) - written
            self.show(rotated)
            if page.last is None:
                return
            after = page.last

    def _read(self, after: Place | None) -> Page:
        with reading(self.engine).begin() as connection:
            first = self.vault.key_fingerprints()[0]
            return read_not_sealed_by(connection, first, after=after, limit=self.batch)

    def _seal(self, page: Page, rotated: Rotated) -> Iterator[Replacement]:
        """Seal outside of a transaction: nobody waits for it. What changes meanwhile is not written over."""
        for event in page.events:
            try:
                yield replacement_for(event, self.vault)
            except CannotUnseal:
                rotated.unopened += 1

    def _write(self, replacements: Sequence[Replacement]) -> int:
        with self.engine.begin() as connection:
            begin_batch(connection)
            return replace(connection, replacements)
