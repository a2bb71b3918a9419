"""When two JSON values are the same. Python says that True equals 1 and 1 equals 1.0; JSON, and so Cobalt, does not."""

from collections.abc import Mapping
from typing import Any

#: All numbers of this size are whole, and beyond it a float does not hold each of them.
_WITHOUT_FRACTION = 2**53


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are written as the same JSON: of equal content, and of equal types all the way down.

    From 2^53 on no fraction is left to tell 1e16 from 10000000000000000, and `jsonb` writes one as the other.

    Values that are no JSON, such as times, are the same if they are equal.
    """
    return bool(one == other) and _has_same_types(one, other)


def _has_same_types(one: Any, other: Any) -> bool:
    """Compare the types of numbers and truths in two values that Python calls equal, and so have the same form."""
    if isinstance(one, bool | int | float):
        return type(one) is type(other) or abs(one) >= _WITHOUT_FRACTION
    if isinstance(one, Mapping):
        return all(_has_same_types(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return all(_has_same_types(*pair) for pair in zip(one, other, strict=True))
    return True
