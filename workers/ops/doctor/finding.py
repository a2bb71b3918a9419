"""What an examination finds: a judgement of one thing, and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad something is, the least bad first."""

    FINE = "fine"
    #: It works, and somebody should look at it.
    WARNING = "warning"
    #: Something cannot work.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination.

    Attributes:
        area: which part of the installation, such as `redis`.
        level: how bad it is.
        text: what was seen.
        remedy: what to do; None: nothing.
    """

    area: str
    level: Level
    text: str
    remedy: str | None = None


def fine(area: str, text: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(area=area, level=Level.FINE, text=text)


def warning(area: str, text: str, remedy: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(area=area, level=Level.WARNING, text=text, remedy=remedy)


def broken(area: str, text: str, remedy: str) -> Finding:
    """Return a finding because of which something cannot work."""
    return Finding(area=area, level=Level.BROKEN, text=text, remedy=remedy)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 if everything is fine, 1 if the worst is a warning, 2 if something is broken."""
    levels = list(Level)
    return max((levels.index(finding.level) for finding in findings), default=0)
