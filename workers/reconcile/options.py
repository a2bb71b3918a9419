"""What a run of the reconciliation is asked to do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to reconcile. A run that was killed is resumed by one with equal options.

    Attributes:
        account: only this account, with everything under it; None: all.
        deep: read the configs of every connection, not only of a share.
        dry_run: change nothing in the mirror and tell what differs.
        older_than: only accounts that were not found fresh for this long; None: all.
        allow_missing: go on although more is suspected gone than the brake lets through.
    """

    account: str | None = None
    deep: bool = False
    dry_run: bool = False
    older_than: timedelta | None = None
    allow_missing: bool = False

    @property
    def is_pass(self) -> bool:
        """Whether the run compares everything, so that what it leaves untouched counts as fresh."""
        return self.account is None and self.older_than is None and not self.dry_run

    def as_row(self) -> dict[str, Any]:
        """As the run's row holds it."""
        older_than = None if self.older_than is None else self.older_than.total_seconds()
        return {
            "account": self.account,
            "deep": self.deep,
            "dry_run": self.dry_run,
            "older_than_seconds": older_than,
            "allow_missing": self.allow_missing,
        }
