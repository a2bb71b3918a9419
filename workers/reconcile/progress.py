"""How far a run is, told to whoever shows it."""

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """The two long parts of a run."""

    WALK = "walk"
    READ = "read"


class Progress(Protocol):
    """Told how far a run is; may be told as often as one likes."""

    def __call__(self, stage: Stage, *, done: int, total: int | None) -> None:
        """Show that so many accounts (walk) or subjects (read) of so many are done; None: nobody knows how many."""


def unseen(stage: Stage, *, done: int, total: int | None) -> None:
    """Progress that nobody looks at."""
