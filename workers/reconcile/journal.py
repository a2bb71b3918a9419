"""What a run writes down as it goes: its own row, with a sign of life in every transaction."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from cobalt_mirror.db.engine import Clock
from cobalt_mirror.db.runs import Run, save_run
from cobalt_mirror.workers.reconcile.calls import CallCounter

#: The longest time without a sign of life while a run waits, in seconds; well below `db.runs.PLACE_TTL`.
_SIGN_OF_LIFE_SECONDS = 20.0


@dataclass(slots=True, kw_only=True)
class Journal:
    """A run that is under way.

    Attributes:
        run: its row; what is changed here is written with the next transaction.
        calls: counts the calls of the run.
        sleep: waits for some seconds.
    """

    engine: Engine
    clock: Clock
    run: Run
    calls: CallCounter
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, datetime]]:
        """A transaction that also writes the run's row; what is in it counts only if the run still has its place.

        Raises:
            PlaceLost: another run took the place; nothing was written.
        """
        with self.engine.begin() as connection:
            now = self.clock(connection)
            yield connection, now
            self.run.calls = self.calls.calls
            save_run(connection, self.run, now)

    def wait(self, seconds: float) -> None:
        """Wait, and keep the place meanwhile."""
        while seconds > 0:
            with self.writing():
                pass
            self.sleep(min(seconds, _SIGN_OF_LIFE_SECONDS))
            seconds -= _SIGN_OF_LIFE_SECONDS
