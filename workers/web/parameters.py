"""The parameters of requests: each is one object, which reads the text of a query and is what the description says.

An endpoint gets a value with `PARAMETER.of(request)`. Only an operation that lists the parameter has it, so the
description cannot lack one that is read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

T = TypeVar("T")

#: Where a request keeps what was read of its query.
_SCOPE_KEY = "cobalt_mirror.parameters"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter(Generic[T]):
    """A parameter of the query.

    Attributes:
        name: its name.
        description: what it does, for the description of the API.
        schema: what it may be, as JSON Schema.
        parse: makes the value of the text, or raises ValueError with the rule.
        default: the value if the request does not have it.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    parse: Callable[[str], T]
    default: T

    def read(self, query: QueryParams) -> T:
        """Read the value from a query.

        Raises:
            HTTPException: 400, as the text breaks the rule.
        """
        if self.name not in query:
            return self.default
        text = query[self.name]
        try:
            return self.parse(text)
        except ValueError as rule:
            raise HTTPException(400, f"{self.name}: must be {rule}, not {text[:40]!r}") from None

    def of(self, request: Request) -> T:
        """Return the value that was read for this request."""
        value: T = request.scope[_SCOPE_KEY][self]
        return value


def read_parameters(request: Request, parameters: Iterable[Parameter[Any]]) -> None:
    """Read all parameters of an operation, so that its endpoint has them.

    Raises:
        HTTPException: 400, as one of them breaks its rule.
    """
    request.scope[_SCOPE_KEY] = {each: each.read(request.query_params) for each in parameters}


def whole(
    name: str, least: int, most: int, description: str, *, default: T, cut_to: int | None = None
) -> Parameter[int | T]:
    """Return a parameter that is a whole number; a larger one than `cut_to` counts as that."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else -1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number if cut_to is None else min(number, cut_to)

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Parameter(name=name, description=description, schema=schema, parse=parse, default=default)


def flag(name: str, description: str) -> Parameter[bool]:
    """Return a parameter that is `true` or `false`, and false if it is not there."""

    def parse(text: str) -> bool:
        if text not in {"true", "false"}:
            raise ValueError("true or false")
        return text == "true"

    schema = {"type": "boolean", "default": False}
    return Parameter(name=name, description=description, schema=schema, parse=parse, default=False)


def word(name: str, description: str) -> Parameter[str | None]:
    """Return a parameter that is any text, and None if it is not there."""
    return Parameter(name=name, description=description, schema={"type": "string"}, parse=str, default=None)
