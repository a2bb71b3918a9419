"""The rules for values in an event: what a JSON column can store, and other languages can read."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, JsonValue, TypeAdapter, ValidationError

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


def _is_storable(value: JsonValue) -> JsonValue:
    """Refuse text and numbers that a JSON column cannot store, anywhere in a value."""
    if isinstance(value, str) and _CONTROL_IN_TEXT.search(value):
        raise ValueError("must not contain control characters or lone surrogates")
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 - NaN
        raise ValueError("must not contain NaN or infinity, which are not JSON")
    if isinstance(value, int | float) and abs(value) > LARGEST_INTEGER:  # jsonb makes integers of floats of that size
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

_VALUE: TypeAdapter[Any] = TypeAdapter(Value)


def is_value(value: object) -> bool:
    """Return whether an event may have something as the value of a field."""
    try:
        _VALUE.validate_python(value)
    except ValidationError:
        return False
    return True
