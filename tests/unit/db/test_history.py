"""What the history may still say of an account that is gone."""

from typing import Any

import pytest

from cobalt_mirror.db.history import without_values


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"status": ["active", "deleted"]}, {"status": ["active", "deleted"]}, id="a status stays"),
        pytest.param({"environment": [None, "test"]}, {"environment": [None, "test"]}, id="an environment stays"),
        pytest.param({"name": ["Acme", None]}, {"name": [None, None]}, id="of a name, that it changed"),
        pytest.param({"udf": [{"a": "b"}, {}]}, {"udf": [None, None]}, id="of user-defined fields, that they changed"),
        pytest.param({"accounts": [[], [{"identifier": "me"}]]}, {"accounts": [None, None]}, id="of accounts as well"),
        pytest.param(
            {"status": [None, "connected"], "fields": [{}, {"a": 1}]},
            {"status": [None, "connected"], "fields": [None, None]},
            id="each by itself",
        ),
    ],
)
def test_the_history_keeps_what_says_nothing_about_a_person(changes: dict[str, Any], left: dict[str, Any]) -> None:
    assert without_values(changes) == left
