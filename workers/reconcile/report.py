"""What a run comes back with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from cobalt_mirror.db.runs import Run


class Ending(IntEnum):
    """How a run ended; the numbers are the exit codes of the command."""

    IN_AGREEMENT = 0
    UNFINISHED = 1
    DIFFERENCES_LEFT = 2


class DifferingRow(StrEnum):
    """Of which of the mirror's tables a row is that differs."""

    ACCOUNT = "account"
    CONNECTION = "connection"
    CONFIG = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One column of one row on which mirror and Cobalt disagree.

    Attributes:
        column: `row` when one side has none, or when only the listing is known (`is_proved` is False).
        mirror: what the mirror says.
        cobalt: what Cobalt says.
        is_proved: whether a read showed it. False: the listing suggests it.
    """

    what: DifferingRow
    linked_account_id: str
    slug: str | None = None
    config_id: str | None = None
    column: str
    mirror: Any = field(repr=False)
    cobalt: Any = field(repr=False)
    is_proved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run that is over, and for a dry run what it found.

    Attributes:
        run: the run's row as it was written last.
        differences: of a dry run, field by field.
    """

    run: Run
    differences: Sequence[FieldDifference] = ()

    @property
    def ending(self) -> Ending:
        """How it ended."""
        if self.run.finished_at is None:
            return Ending.UNFINISHED
        return Ending.DIFFERENCES_LEFT if self.run.left or self.differences else Ending.IN_AGREEMENT
