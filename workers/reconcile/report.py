"""The result of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from cobalt_mirror.db.config_turns import ConfigReads
from cobalt_mirror.db.runs import Run


class Ending(IntEnum):
    """How a run ended; the values are the exit codes of the command."""

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
        column: The column; `row` if one side lacks the row, or if only the listing is known (`is_proved` is False).
        mirror: The value in the mirror.
        cobalt: The value at Cobalt.
        is_proved: Whether a read proved it; False if only the listing suggests it.
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
    """A run that has ended.

    Attributes:
        run: The run's row as it was last written.
        differences: For a dry run, the differences field by field.
        unmapped: Some of the applications that the listing shows and the catalogue does not have: name by `app_id`.
            `run.unmapped` counts their connections, and may count more.
        configs: How many connections had their configs read; None if the run did not finish.
        returned: How many accounts that are deleted here Cobalt has again.
        first_returned: The one of them that is gone the longest; None if there is none.
    """

    run: Run
    differences: Sequence[FieldDifference] = ()
    unmapped: Mapping[str, str | None] = field(default_factory=dict)
    configs: ConfigReads | None = None
    returned: int = 0
    first_returned: str | None = None

    @property
    def ending(self) -> Ending:
        """How the run ended."""
        if self.run.finished_at is None:
            return Ending.UNFINISHED
        is_open = self.run.left or self.run.unmapped or self.run.contradiction or self.differences or self.returned
        return Ending.DIFFERENCES_LEFT if is_open else Ending.IN_AGREEMENT

    @property
    def is_whole(self) -> bool:
        """Whether everything was compared in this run: all accounts, connections and configs."""
        options, configs = self.run.options, self.configs
        is_part = options["account"] is not None or options["older_than_seconds"] is not None
        return not (is_part or self.run.untold) and configs is not None and configs.read == configs.total
