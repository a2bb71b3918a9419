"""The rules for values in an event: what a JSON column can store, and other languages can read."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, JsonValue

#: The largest integer in a value; other languages do not read larger ones reliably.
LARGEST_INTEGER = 2**63 - 1
#: How deep lists and objects may be nested in one value.
DEEPEST = 64

_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _is_shallow(value: object) -> object:
    """Refuse deep nesting: Python, pydantic and the databases' JSON all have limits."""
    _refuse_deep(value, DEEPEST)
    return value


def _refuse_deep(value: object, levels: int) -> None:
    if isinstance(value, list | dict):
        if not levels:
            raise ValueError(f"must not be nested more than {DEEPEST} levels deep")
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_deep(item, levels - 1)


def is_storable_text(text: str) -> bool:
    """Return whether a text in a value has no control characters but tabs and line breaks, and no lone surrogates."""
    return _CONTROL_IN_TEXT.search(text) is None


def is_storable_number(number: float) -> bool:
    """Return whether a number in a value is finite and fits into 64 bits; jsonb makes integers of large floats."""
    return abs(number) <= LARGEST_INTEGER


def _is_storable(value: JsonValue) -> JsonValue:
    """Refuse text and numbers that a JSON column cannot store, anywhere in a value."""
    if isinstance(value, str) and not is_storable_text(value):
        raise ValueError("must not contain control characters or lone surrogates")
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 - NaN
        raise ValueError("must not contain NaN or infinity, which are not JSON")
    if isinstance(value, int | float) and not is_storable_number(value):
        raise ValueError("must not contain numbers of more than 64 bits; write them as text")
    if isinstance(value, list):
        for item in value:
            _is_storable(item)
    if isinstance(value, dict):
        for key, item in value.items():
            _is_storable(key)
            _is_storable(item)
    return value


Text = Annotated[str, AfterValidator(_is_storable)]
Value = Annotated[JsonValue, BeforeValidator(_is_shallow), AfterValidator(_is_storable)]
