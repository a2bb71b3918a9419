"""Two JSON values are the same if they are written the same, whatever Python thinks of True and 1."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.statuses import ConfigStatus

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5]) | st.sampled_from(["", "1", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1, True),
        (1, True, False),
        (0, False, False),
        (1, 1.0, False),
        (0.0, False, False),
        (2.0**53, 2**53, True),
        (-1e20, -(10**20), True),
        ([1e16], [10**16], True),
        (2.0**53 - 1, 2**53 - 1, False),
        (1e20, 10**20 + 1, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        ("1", 1, False),
        ([1], [True], False),
        ([1, [2]], [1, [2.0]], False),
        ([1], [1, 1], False),
        ([], [], True),
        ({"a": 1}, {"a": True}, False),
        ({"a": {"b": [0]}}, {"a": {"b": [False]}}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        (MOMENT, MOMENT, True),
        (ConfigStatus.INSTALLED, "installed", True),
    ],
)
def test_values_are_the_same_if_their_types_are(one: Any, other: Any, expected: bool) -> None:
    assert is_same(one, other) is expected
    assert is_same(other, one) is expected


@given(JSON, JSON)
def test_it_is_the_equality_of_what_is_written(one: Any, other: Any) -> None:
    assert is_same(one, other) is (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
