"""A request to Cobalt, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cobalt_mirror.cobalt.errors import Refused, ResponseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, with what is needed to interpret its answer.

    Attributes:
        path: Percent-encoded, from the root.
        absent: The error for a 404 whose code does not identify it, and for a 400 that says that something is absent.
        writes: Whether it changes something at Cobalt, so that a lost answer leaves its effect unknown.
        secrets: Values that must not appear in errors.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    absent: type[ResponseError] = Refused
    writes: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Return method and path, the name of the call in errors."""
        return f"{self.method} {self.path}"
