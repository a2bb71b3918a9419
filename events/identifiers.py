"""The rules for names and identifiers in an event."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

#: The longest identifier, name or slug, in characters.
LONGEST = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _is_printable(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters or lone surrogates")
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _can_travel(value: str) -> str:
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which name folders in a path")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_is_printable)]
Identifier = Annotated[Name, AfterValidator(_can_travel)]

_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


def check_identifier(text: str) -> None:
    """Check a text that is to become an identifier in events later.

    Raises:
        ValueError: No event may have it. The text says which rule it breaks.
    """
    try:
        _IDENTIFIER.validate_python(text)
    except ValidationError as error:
        rule = error.errors(include_input=False, include_url=False, include_context=False)[0]["msg"]
        raise ValueError(rule.removeprefix("Value error, ")) from None
