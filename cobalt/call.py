"""A request to Cobalt, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cobalt_mirror.cobalt.errors import Refused, ResponseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, and what must be known of it to judge its answer.

    Attributes:
        path: Percent-encoded, from the root.
        absent: What a 404 means here, when its code does not say.
        writes: Whether it changes anything at Cobalt that somebody may have to read again.
        secrets: What no error may repeat.
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
        """Return method and path, which is how errors name the call."""
        return f"{self.method} {self.path}"
