"""The result of checking one invariant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one invariant.

    Attributes:
        name: what must hold.
        counts: how much was looked at, and what was seen that is allowed.
        violations: what must not be, a line each.
    """

    name: str
    counts: Mapping[str, int]
    violations: Sequence[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{number:,} {noun}" for noun, number in self.counts.items())
        return f"{self.name}: {counts}, {len(self.violations)} violations"
