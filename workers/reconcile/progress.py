"""The interface through which a run shows its progress."""

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """The two long stages of a run."""

    WALK = "walk"
    READ = "read"


class ShowProgress(Protocol):
    """A function that shows the progress of a run. It may be called at any rate."""

    def __call__(self, stage: Stage, *, done: int, total: int | None) -> None:
        """Show the progress of one stage.

        Args:
            stage: The stage: accounts are counted in the walk, subjects when reading.
            done: Number done so far.
            total: Number in all; None while it is unknown.
        """


def show_nothing(stage: Stage, *, done: int, total: int | None) -> None:
    """Show no progress."""
