"""A clock that only tests move."""

from datetime import datetime

from tests.unit.entries import at


class Clock:
    """Stands still at some second after noon."""

    def __init__(self) -> None:
        self.second = 0.0

    def __call__(self) -> datetime:
        return at(self.second)
