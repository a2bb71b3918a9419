"""What of a change is left to do field by field, what is mirrored of a config, and that no password is repeated."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import Config, Refused
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.configs import (
    _refused,
    _without_passwords,
    came_to_be,
    config_columns,
    left_to_change,
)
from cobalt_mirror.workers.handlers.folding import Patch, WorkflowChange
from tests.unit.entries import changed
from tests.unit.handlers.forms import LEFT_OUT, config, field, workflow
from tests.unit.handlers.subjects import ended_as, findings


def password(id_: str, value: Any = LEFT_OUT) -> dict[str, Any]:
    return field(id_, value, "password")


#: What the answer shows, what is desired, and what is left to change, in that order.
LEFT = [
    pytest.param((), {}, [], id="nothing at all"),
    pytest.param((field("a", 1),), {}, [], id="nothing is desired"),
    pytest.param((field("a", 1),), {"a": 1}, [], id="it is so"),
    pytest.param((field("a", 1),), {"a": 2}, ["a"], id="it is not so"),
    pytest.param((field("a", 1),), {"a": True}, ["a"], id="it is what Python calls equal, of another type"),
    pytest.param((field("a", 1),), {"a": 1.0}, ["a"], id="it is another form of the number"),
    pytest.param((field("a", [1]),), {"a": [True]}, ["a"], id="it differs by a type inside"),
    pytest.param((field("a", 1),), {"a": None}, ["a"], id="it is to be cleared"),
    pytest.param((field("a", None),), {"a": None}, [], id="it is cleared"),
    pytest.param((field("a"),), {"a": None}, [], id="it is not shown, and to be cleared"),
    pytest.param((field("a"),), {"a": 1}, ["a"], id="it is not shown"),
    pytest.param((), {"a": 1}, ["a"], id="the answer has no such field"),
    pytest.param((field("a", 1), field("b", 1)), {"b": 2, "a": 2}, ["b", "a"], id="two, in the order desired"),
    pytest.param((field("a", 1), field("b", 1)), {"a": 1, "b": 2}, ["b"], id="one of two is so"),
    pytest.param((password("p", "x"),), {"p": "x"}, ["p"], id="a password that shows as desired is set all the same"),
    pytest.param((password("p"),), {"p": "x"}, ["p"], id="a password that does not show"),
    pytest.param((password("p"),), {"p": None}, ["p"], id="a password is to be cleared"),
    pytest.param(
        (password("p"), field("a", 1), password("q")),
        {"p": "x", "a": 2, "q": "y"},
        ["a", "p", "q"],
        id="passwords come last",
    ),
]


@pytest.mark.parametrize(("fields", "desired", "left"), LEFT)
def test_what_is_as_desired_is_not_changed_again(
    fields: tuple[dict[str, Any], ...], desired: dict[str, Any], left: list[str]
) -> None:
    assert list(left_to_change(config(*fields).fields, desired).items()) == [(id_, desired[id_]) for id_ in left]


# --- refusals ---------------------------------------------------------------------------------------------------------

#: The change, its status, its effect, and whether its config came to be.
CAME = [
    pytest.param("dead", {"config": True}, True, id="refused, and the config was found or made"),
    pytest.param("dead", {"config": False}, False, id="refused, and it was not"),
    pytest.param("dead", {}, False, id="refused, and nothing is kept of it"),
    pytest.param("dead", None, False, id="refused before there was a config"),
    pytest.param("done", {"config": True}, False, id="done"),
    pytest.param("pending", {"config": True}, False, id="it waits"),
]


@pytest.mark.parametrize(("status", "effect", "expected"), CAME)
def test_a_refused_change_may_have_made_its_config(status: str, effect: dict[str, Any] | None, expected: bool) -> None:
    assert came_to_be(changed("a", status=status, effect=effect)) is expected


def refused(status: int = 400, message: str = "no") -> Refused:
    return Refused(status=status, code="CODE", message=message, request_id="r-1", call="PUT /config")


@pytest.mark.parametrize(
    ("entries", "outcomes"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([changed("a")], {"a": "dead"}, id="one is dead"),
        pytest.param([changed("a"), changed("b", 1)], {"a": "snooze", "b": "snooze"}, id="several are tried alone"),
    ],
)
def test_changes_that_were_refused_together_are_tried_one_by_one(
    entries: list[Entry], outcomes: dict[str, str]
) -> None:
    found = findings(*entries)
    _refused(found, entries, refused())

    assert ended_as(found) == outcomes
    assert {outcome.alone for outcome in found.outcomes.values()} <= {len(entries) > 1}


def test_a_conflict_is_no_refusal_of_the_change() -> None:
    found = findings(changed("a"))
    with pytest.raises(Refused):
        _refused(found, found.waiting(), refused(409))

    assert found.outcomes == {}


FORM = config(field("a", 1), password("p"), workflows=(workflow("rules", field("x", 1), password("q")), workflow("z")))
#: The change, Cobalt's words, and whether these repeat a password of it.
REPEATED = [
    pytest.param(Patch(), "no", False, id="nothing was changed"),
    pytest.param(Patch(fields={"a": "hunter2"}), "hunter2 is wrong", False, id="the value of a plain field"),
    pytest.param(Patch(fields={"p": "hunter2"}), "hunter2 is wrong", True, id="a password"),
    pytest.param(Patch(fields={"p": "hunter2"}), "'hunter2'", True, id="a password within more"),
    pytest.param(Patch(fields={"p": "hunter2"}), "hunter3 is wrong", False, id="another word"),
    pytest.param(Patch(fields={"p": None}), "None is wrong", False, id="a password that is to be cleared"),
    pytest.param(Patch(fields={"p": 1234}), "1234 is wrong", True, id="a password that is a number"),
    pytest.param(
        Patch(workflows={"rules": WorkflowChange(fields={"q": "hunter2"})}), "hunter2", True, id="one of a workflow"
    ),
    pytest.param(
        Patch(workflows={"rules": WorkflowChange(fields={"x": "hunter2"})}), "hunter2", False, id="a workflow's value"
    ),
    pytest.param(
        Patch(workflows={"other": WorkflowChange(fields={"q": "hunter2"})}), "hunter2", False, id="no such workflow"
    ),
    pytest.param(
        Patch(fields={"p": "hunter2"}, workflows={"rules": WorkflowChange(fields={"q": "x"})}),
        "hunter2",
        True,
        id="one of the config, while a workflow changes as well",
    ),
]


def test_a_password_counts_although_a_workflow_has_a_field_of_the_same_id() -> None:
    form = config(password("p"), workflows=(workflow("rules", password("p")),))
    patch = Patch(fields={"p": "hunter2"}, workflows={"rules": WorkflowChange(fields={"p": "other"})})

    assert "hunter2" not in str(_without_passwords(refused(422, "hunter2 is wrong"), form, patch))


@pytest.mark.parametrize(("patch", "message", "hidden"), REPEATED)
def test_a_refusal_that_repeats_a_password_is_kept_without_it(patch: Patch, message: str, hidden: bool) -> None:
    before = refused(422, message)
    after = _without_passwords(before, FORM, patch)

    assert (after is not before) is hidden
    assert (after.status, after.code, after.request_id, after.call) == (422, "CODE", "r-1", "PUT /config")
    assert not hidden or "contains a password" in str(after)
    assert not hidden or message not in str(after)


# --- the mirror -------------------------------------------------------------------------------------------------------


def test_a_config_is_mirrored_without_its_passwords() -> None:
    answer: Config = config(
        field("a", 1),
        field("b", None),
        field("c"),
        field("d", ""),
        password("p", "hunter2"),
        workflows=({"name": "Rules", **workflow("rules", field("x", 0), password("q", "***"), enabled=True)},),
        field_errors=[{"id": "a", "name": "A", "error": {"message": "too big"}}, {"id": "d", "error": None}],
    )
    columns = config_columns(answer)

    assert columns["fields"] == {"a": 1, "d": ""}
    assert columns["workflows"] == [{"id": "rules", "name": "Rules", "enabled": True, "fields": {"x": 0}}]
    assert columns["schema"] == {
        "fields": [
            {"id": "a", "field_type": "text"},
            {"id": "b", "field_type": "text"},
            {"id": "c", "field_type": "text"},
            {"id": "d", "field_type": "text"},
            {"id": "p", "field_type": "password"},
        ],
        "workflows": [
            {
                "id": "rules",
                "name": "Rules",
                "fields": [{"id": "x", "field_type": "text"}, {"id": "q", "field_type": "password"}],
            }
        ],
    }
    assert columns["field_errors"] == [
        {"id": "a", "name": "A", "error": {"message": "too big"}},
        {"id": "d", "name": None, "error": {"message": ""}},
    ]
    assert columns["status"] == "installed"
    assert "hunter2" not in str(columns)


def test_of_an_empty_config_nothing_is_mirrored_but_that_it_is_there() -> None:
    assert config_columns(config()) == {
        "fields": {},
        "workflows": [],
        "schema": {"fields": [], "workflows": []},
        "field_errors": [],
        "status": "installed",
    }
