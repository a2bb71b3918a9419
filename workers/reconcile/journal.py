"""The record of a run while it goes on: its own row, with a heartbeat in every transaction."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from cobalt_mirror.db.engine import Clock
from cobalt_mirror.db.pauses import list_pauses
from cobalt_mirror.db.runs import Run, save_run
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.errors import WorkPaused
from cobalt_mirror.workers.reconcile.calls import CallCounter

#: The longest time between two heartbeats while a run waits, in seconds; well below `db.runs.PLACE_TTL`.
_HEARTBEAT_SECONDS = 20.0


@dataclass(slots=True, kw_only=True)
class Journal:
    """A run that is under way.

    Attributes:
        run: Its row; changes to it are written with the next transaction.
        calls: Counter of the run's calls.
        recorder: Records those that belong to no attempt.
        sleep: Function that waits for some seconds.
    """

    engine: Engine
    clock: Clock
    run: Run
    calls: CallCounter
    recorder: CallRecorder
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, datetime]]:
        """Open a transaction that also writes the run's row. It commits only if the run still holds its place.

        Raises:
            PlaceLost: Another run took the place; nothing was written. Stop.
            WorkPaused: The operator paused the reconciliation; nothing was written. Stop.
        """
        with self.engine.begin() as connection:
            now = self.clock(connection)
            _refuse_if_paused(connection, now)
            yield connection, now
            self.run.calls = self.calls.calls
            save_run(connection, self.run, now)

    def recording(self, *, linked_account_id: str = "", slug: str = "") -> AbstractContextManager[None]:
        """Record the calls of a block; see `CallRecorder.recording`."""
        cause = {"reconciliation": self.run.id}
        return self.recorder.recording(cause, linked_account_id=linked_account_id, slug=slug)

    def wait(self, seconds: float) -> None:
        """Wait, with heartbeats so that the run keeps its place."""
        while seconds > 0:
            with self.writing():
                pass
            self.sleep(min(seconds, _HEARTBEAT_SECONDS))
            seconds -= _HEARTBEAT_SECONDS


def _refuse_if_paused(connection: Connection, now: datetime) -> None:
    scopes = {PauseScope.EVERYTHING, PauseScope.RECONCILIATION}
    pause = next((each for each in list_pauses(connection, now) if each.scope in scopes), None)
    if pause is not None:
        raise WorkPaused(f"paused: {pause.described()}; `cobalt-mirror resume --{pause.scope}` lets it go on at once")
