"""Which fields of a form hold secrets, wherever they are in it."""

from typing import Any

import pytest

from cobalt_mirror.db.forms import SECRET_TYPES, _places


def field(id_: str, field_type: object = "text") -> dict[str, Any]:
    return {"id": id_, "field_type": field_type}


def flow(id_: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"id": id_, "name": None, "fields": list(fields)}


#: A form as the mirror holds it, and the workflow (None: the config itself) and id of each secret in it.
ROWS = [
    pytest.param({}, set(), id="the form of a deleted config"),
    pytest.param({"fields": [], "workflows": []}, set(), id="an empty form"),
    pytest.param({"fields": [field("a")]}, set(), id="a plain field"),
    pytest.param({"fields": [field("a", "password")]}, {(None, "a")}, id="a password"),
    pytest.param({"fields": [field("a", "secret")]}, {(None, "a")}, id="a secret"),
    pytest.param({"fields": [field("a", "PassWord")]}, {(None, "a")}, id="a password in capitals"),
    pytest.param({"fields": [field("a", None)]}, set(), id="a field whose type is null"),
    pytest.param({"fields": [{"id": "a"}]}, set(), id="a field without a type"),
    pytest.param({"fields": [field("a", 7)]}, set(), id="a field whose type is a number"),
    pytest.param({"workflows": [flow("w", field("a", "password"))]}, {("w", "a")}, id="a password of a workflow"),
    pytest.param({"workflows": [flow("w")]}, set(), id="a workflow without fields"),
    pytest.param(
        {
            "fields": [field("a"), field("b", "password")],
            "workflows": [flow("v", field("b")), flow("w", field("b", "secret"), field("c", "secret"))],
        },
        {(None, "b"), ("w", "b"), ("w", "c")},
        id="each place by itself",
    ),
]


@pytest.mark.parametrize(("form", "places"), ROWS)
def test_secrets_are_found_by_the_types_of_their_fields(
    form: dict[str, Any], places: set[tuple[str | None, str]]
) -> None:
    secret = {place for place, is_secret in _places("jira", form) if is_secret}

    assert secret == {("jira", workflow, id_) for workflow, id_ in places}


def test_no_type_is_missing() -> None:
    form = {"fields": [field(each, each) for each in sorted(SECRET_TYPES)]}

    assert {id_ for (_, _, id_), is_secret in _places("jira", form) if is_secret} == SECRET_TYPES
