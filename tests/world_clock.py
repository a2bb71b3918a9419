"""The clock of a world for tests: time passes as fast as a test wants."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection


@dataclass
class WorldClock:
    """Returns the real time plus the time that tests let pass."""

    ahead: timedelta = timedelta()
    stopped_at: datetime | None = None

    def __call__(self, _connection: Connection | None = None) -> datetime:
        return self.stopped_at or datetime.now(UTC) + self.ahead

    def stop_at(self, moment: datetime) -> None:
        """Return this time, and what tests let pass from there, until `resume`."""
        self.stopped_at = moment

    def resume(self) -> None:
        self.stopped_at = None

    def pass_time(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        if self.stopped_at is not None:
            self.stopped_at += timedelta(seconds=seconds)
