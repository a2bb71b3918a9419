"""What a config is made to hold: its own values with a patch over them, without destroying what Cobalt hides."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import Config
from cobalt_mirror.cobalt.models import ConfigField
from cobalt_mirror.db.forms import SECRET_TYPES
from cobalt_mirror.workers.handlers.folding import Desired, Patch, WorkflowChange, hides_values, is_secret, merge
from tests.unit.handlers.forms import LEFT_OUT, config, field, workflow

RULES = workflow("rules", field("limit", 5), enabled=True)

#: What Cobalt shows, the patch, the fields and the workflows that the config should hold.
MERGED = [
    pytest.param(config(), Patch(), {}, [], id="nothing at all"),
    pytest.param(config(field("a", 1)), Patch(), {"a": 1}, [], id="an empty patch"),
    pytest.param(config(), Patch(fields={"a": 1}), {"a": 1}, [], id="a field that the answer does not show"),
    pytest.param(config(field("a", 1)), Patch(fields={"a": 2}), {"a": 2}, [], id="a value replaces another"),
    pytest.param(config(field("a", 1)), Patch(fields={"b": 2}), {"a": 1, "b": 2}, [], id="what is not named stays"),
    pytest.param(config(field("a", 1)), Patch(fields={"a": None}), {}, [], id="None clears"),
    pytest.param(config(), Patch(fields={"a": None}), {}, [], id="None clears what is not there"),
    pytest.param(config(field("a", None), field("b")), Patch(), {}, [], id="null and left out are not written"),
    pytest.param(
        config(field("a", 0), field("b", ""), field("c", False), field("d", [])),
        Patch(),
        {"a": 0, "b": "", "c": False, "d": []},
        [],
        id="values that are empty stay",
    ),
    pytest.param(config(field("a", 1)), Patch(fields={"a": 0}), {"a": 0}, [], id="an empty value replaces another"),
    pytest.param(
        config(field("a", {"x": 1})),
        Patch(fields={"a": {"y": 2}}),
        {"a": {"y": 2}},
        [],
        id="an object is replaced whole",
    ),
    # workflows
    pytest.param(
        config(workflows=(RULES,)),
        Patch(),
        {},
        [{"id": "rules", "enabled": True, "fields": {"limit": 5}}],
        id="a workflow stays as it is",
    ),
    pytest.param(
        config(workflows=(RULES,)),
        Patch(workflows={"rules": WorkflowChange(enabled=False)}),
        {},
        [{"id": "rules", "enabled": False, "fields": {"limit": 5}}],
        id="a workflow is disabled and keeps its fields",
    ),
    pytest.param(
        config(workflows=(workflow("rules"),)),
        Patch(workflows={"rules": WorkflowChange(enabled=True)}),
        {},
        [{"id": "rules", "enabled": True, "fields": {}}],
        id="a workflow is enabled",
    ),
    pytest.param(
        config(workflows=(RULES,)),
        Patch(workflows={"rules": WorkflowChange(fields={"limit": 7, "more": 1})}),
        {},
        [{"id": "rules", "enabled": True, "fields": {"limit": 7, "more": 1}}],
        id="a field of a workflow leaves it enabled",
    ),
    pytest.param(
        config(workflows=(RULES,)),
        Patch(workflows={"rules": WorkflowChange(fields={"limit": None})}),
        {},
        [{"id": "rules", "enabled": True, "fields": {}}],
        id="None clears a field of a workflow",
    ),
    pytest.param(
        config(workflows=(workflow("rules", field("limit", None), field("more")),)),
        Patch(),
        {},
        [{"id": "rules", "enabled": False, "fields": {}}],
        id="null and left out are not written in a workflow",
    ),
    pytest.param(
        config(workflows=(RULES,)),
        Patch(workflows={"new": WorkflowChange(fields={"limit": 1})}),
        {},
        [
            {"id": "rules", "enabled": True, "fields": {"limit": 5}},
            {"id": "new", "enabled": False, "fields": {"limit": 1}},
        ],
        id="a workflow that the answer does not show begins disabled",
    ),
    pytest.param(
        config(workflows=(RULES, workflow("other", field("limit", 6)))),
        Patch(workflows={"other": WorkflowChange(enabled=True, fields={"limit": 1})}),
        {},
        [
            {"id": "rules", "enabled": True, "fields": {"limit": 5}},
            {"id": "other", "enabled": True, "fields": {"limit": 1}},
        ],
        id="a field of one workflow is not that of another",
    ),
    pytest.param(
        config(field("limit", 1), workflows=(RULES,)),
        Patch(fields={"limit": 2}),
        {"limit": 2},
        [{"id": "rules", "enabled": True, "fields": {"limit": 5}}],
        id="a field of the config is not that of a workflow",
    ),
]


@pytest.mark.parametrize(("shown", "patch", "fields", "workflows"), MERGED)
def test_a_patch_is_laid_over_what_the_config_holds(
    shown: Config, patch: Patch, fields: dict[str, Any], workflows: list[dict[str, Any]]
) -> None:
    assert merge(shown, patch) == Desired(fields=fields, workflows=workflows)


# --- secrets ----------------------------------------------------------------------------------------------------------

#: The type of a field, and whether its value is a secret.
TYPES = [
    ("password", True),
    ("secret", True),
    ("Password", True),
    ("SECRET", True),
    ("text", False),
    ("passwords", False),
    ("not secret", False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize(("field_type", "expected"), TYPES)
def test_a_secret_is_known_by_the_type_of_its_field(field_type: str | None, expected: bool) -> None:
    assert is_secret(ConfigField(id="a", field_type=field_type)) is expected


def test_no_secret_type_is_missing_from_the_table() -> None:
    assert {field_type for field_type, secret in TYPES if secret} >= SECRET_TYPES


def password(value: Any = LEFT_OUT) -> dict[str, Any]:
    return field("password", value, "password")


#: What the answer shows of a password, and whether that hides it.
MASKS = [
    pytest.param(LEFT_OUT, True, id="left out"),
    pytest.param(None, True, id="null"),
    pytest.param("", True, id="an empty text"),
    pytest.param("***", True, id="three stars"),
    pytest.param("********", True, id="eight stars"),
    pytest.param("•••", True, id="three bullets"),
    pytest.param("●●●", True, id="three circles"),
    pytest.param("∙∙∙", True, id="three bullet operators"),
    pytest.param("···", True, id="three middle dots"),
    pytest.param("*•●", True, id="three different ones"),
    pytest.param("***1234", True, id="its end is shown"),
    pytest.param("sk-***", True, id="its beginning is shown"),
    pytest.param("sk-***34", True, id="both ends are shown"),
    pytest.param(7, True, id="a number"),
    pytest.param(True, True, id="a truth"),
    pytest.param(["a"], True, id="a list"),
    pytest.param("hunter2", False, id="as it is"),
    pytest.param("**", False, id="two stars"),
    pytest.param("a*b*c*d", False, id="three stars, not in a row"),
    pytest.param("...", False, id="three full stops"),
    pytest.param("x", False, id="one letter"),
]


@pytest.mark.parametrize(("value", "hidden"), MASKS)
def test_a_password_that_is_not_shown_as_it_is_must_not_be_written_back(value: Any, hidden: bool) -> None:
    assert hides_values(config(password(value)), Patch()) is hidden
    assert hides_values(config(workflows=(workflow("rules", password(value)),)), Patch()) is hidden


HIDDEN = password("***")

#: What Cobalt shows, the patch, and whether writing everything would destroy something.
HIDES = [
    pytest.param(config(), Patch(), False, id="nothing at all"),
    pytest.param(config(field("a", "***")), Patch(), False, id="no secret looks like a mask"),
    pytest.param(config(field("a", 1), HIDDEN), Patch(), True, id="the last field hides"),
    pytest.param(config(HIDDEN, field("a", 1)), Patch(), True, id="the first field hides"),
    pytest.param(config(HIDDEN), Patch(fields={"password": "new"}), False, id="the patch sets what is hidden"),
    pytest.param(config(HIDDEN), Patch(fields={"password": None}), False, id="the patch clears what is hidden"),
    pytest.param(config(HIDDEN), Patch(fields={"a": 1}), True, id="the patch sets something else"),
    pytest.param(config(workflows=(workflow("rules", HIDDEN),)), Patch(), True, id="a workflow hides"),
    pytest.param(
        config(workflows=(workflow("rules", HIDDEN),)),
        Patch(workflows={"rules": WorkflowChange(fields={"password": "new"})}),
        False,
        id="the patch sets what the workflow hides",
    ),
    pytest.param(
        config(workflows=(workflow("rules", HIDDEN),)),
        Patch(workflows={"other": WorkflowChange(fields={"password": "new"})}),
        True,
        id="the patch sets that of another workflow",
    ),
    pytest.param(
        config(workflows=(workflow("rules", HIDDEN),)),
        Patch(fields={"password": "new"}),
        True,
        id="the patch sets that of the config, and the workflow hides its own",
    ),
    pytest.param(
        config(HIDDEN),
        Patch(workflows={"rules": WorkflowChange(fields={"password": "new"})}),
        True,
        id="the patch sets that of a workflow, and the config hides its own",
    ),
    pytest.param(
        config(password("hunter2"), workflows=(workflow("rules", HIDDEN),)), Patch(), True, id="only a workflow hides"
    ),
    pytest.param(
        config(workflows=(workflow("rules", field("a", 1)), workflow("other", HIDDEN))),
        Patch(),
        True,
        id="the last workflow hides",
    ),
]


@pytest.mark.parametrize(("shown", "patch", "expected"), HIDES)
def test_a_value_that_the_answer_hides_is_not_overwritten(shown: Config, patch: Patch, expected: bool) -> None:
    assert hides_values(shown, patch) is expected
