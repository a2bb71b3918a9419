"""Options of a reconciliation."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a reconciliation. A run that was killed is resumed by the next one with equal options.

    Attributes:
        account: The only account to compare, with everything under it; None for all.
        deep: Read the configs of every connection, not only of a share.
        dry_run: Change nothing in the mirror and report the differences.
        older_than: Compare only accounts that were last verified this long ago or longer; None for all.
        allow_missing: Continue although the brake would stop the run.
    """

    account: str | None = None
    deep: bool = False
    dry_run: bool = False
    older_than: timedelta | None = None
    allow_missing: bool = False

    @property
    def is_pass(self) -> bool:
        """Whether the run compares everything, so that rows which it leaves unchanged count as verified."""
        return self.account is None and self.older_than is None and not self.dry_run

    def as_row(self) -> dict[str, Any]:
        """Return the options as they are stored in the run's row."""
        older_than = None if self.older_than is None else self.older_than.total_seconds()
        return {
            "account": self.account,
            "deep": self.deep,
            "dry_run": self.dry_run,
            "older_than_seconds": older_than,
            "allow_missing": self.allow_missing,
        }
