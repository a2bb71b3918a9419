"""An application of a catalogue, made of what Cobalt answers: a row for each thing that answers leave out or add."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import models
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field, Kind
from cobalt_mirror.cobalt.sandbox.importing import ImportedApplication, application_of

OPTIONS = [{"name": "A", "value": "a"}]
KEY = {
    "name": "api_key",
    "label": "Key",
    "type": "password",
    "required": True,
    "placeholder": "k",
    "help_text": "h",
    "options": OPTIONS,
}
LEAST = {"slug": "crm", "name": "CRM", "auth_type": "oauth2"}


def imported(config: dict[str, Any] | None = None, **answer: Any) -> ImportedApplication:
    read = None if config is None else models.Config.model_validate({"slug": "crm", "config_id": "a", **config})
    return application_of(models.Application.model_validate({**LEAST, **answer}), read)


def left_out(config: dict[str, Any] | None = None, **answer: Any) -> list[str]:
    return list(imported(config, **answer).left_out)


def made(**answer: Any) -> Application:
    application = imported(**answer).application
    assert application is not None
    return application


@pytest.mark.parametrize(
    ("answer", "auth"),
    [
        ({}, ["oauth2"]),
        ({"auth_type": "keybased", "auth_input_map": [KEY]}, ["keybased"]),
        ({"auth_type": "keybased", "auth_type_options": {"oauth2": [], "keybased": [KEY]}}, ["keybased", "oauth2"]),
        ({"auth_type_options": {"keybased": [KEY], "oauth2": [], "magic": []}}, ["oauth2", "keybased"]),
        ({"auth_type": None, "auth_type_options": {"keybased": [KEY]}}, ["keybased"]),
        ({"auth_type": "magic", "auth_type_options": {"oauth2": []}}, ["oauth2"]),
    ],
)
def test_the_auth_types_begin_with_the_applications_own(answer: dict[str, Any], auth: list[str]) -> None:
    application = made(**answer)

    assert list(application.auth) == auth
    inputs = [each.model_dump(mode="json") for each in application.inputs("keybased")]
    assert inputs == [KEY] * ("keybased" in auth)


def test_an_application_that_connects_in_another_way_is_left_out() -> None:
    assert imported(auth_type="magic") == ImportedApplication(application=None)
    assert imported(auth_type=None) == ImportedApplication(application=None)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({}, Kind.NATIVE),
        ({"type": "crm"}, Kind.NATIVE),
        ({"type": "custom"}, Kind.CUSTOM),
        ({"kind": "custom"}, Kind.CUSTOM),
        ({"kind": "universal_connector"}, Kind.UNIVERSAL_CONNECTOR),
        ({"kind": "magic"}, Kind.NATIVE),
        ({"kind": "native", "type": "custom"}, Kind.CUSTOM),
    ],
)
def test_the_kind_is_told_by_kind_or_type(answer: dict[str, Any], kind: Kind) -> None:
    assert made(**answer).kind is kind


@pytest.mark.parametrize(
    ("identifiers", "kind"),
    [([], "string"), (["a"], "string"), ([{"a": 1}], "object"), ([None], "null"), (["a", {"a": 1}], "object")],
)
def test_the_identifier_is_of_the_type_that_is_seen(identifiers: list[Any], kind: str) -> None:
    accounts = [{"identifier": each, "auth_type": "oauth2"} for each in identifiers]

    application = made(connected=bool(accounts), connected_accounts=accounts)
    assert application.identifier == kind
    assert "connected_accounts" not in application.model_dump()


def test_auth_profiles_are_those_that_are_seen_once_each() -> None:
    accounts = [{"auth_type": "oauth2", "connection_id": each, "auth_profile_id": "p", **NAMED} for each in "ab"]

    application = made(has_multi_auth_enabled=True, connected_accounts=accounts)
    assert application.has_multi_auth_enabled
    assert [(each.id, each.name) for each in application.auth_profiles] == [("p", "Ours")]


NAMED = {"auth_profile_name": "Ours"}
#: A field of an answer without `id`, and what is made of it.
FIELDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"name": "f", "field_type": "text"}),
    (
        {"name": "F", "field_type": "list_stages", "required": True},
        {"name": "F", "field_type": "list_stages", "required": True},
    ),
    ({"value": "s3cret", "defaultValue": "s3cret"}, {"name": "f", "field_type": "text"}),
    ({"data_source": {"token": "s3cret"}, "mapping": {}}, {"name": "f", "field_type": "text"}),
    ({"field_type": "select", "multiple": True, "options": OPTIONS}, {"multiple": True, "options": OPTIONS}),
    ({"options": [{"value": 7}, {"name": "no value"}, "text"]}, {"options": [{"name": "7", "value": "7"}]}),
    (
        {"options": [{"value": True}, {"name": True, "value": "t"}, {"value": 1.0}, {"value": {"a": [None]}}]},
        {
            "options": [
                {"name": "true", "value": "true"},
                {"name": "true", "value": "t"},
                {"name": "1", "value": "1"},
                {"name": '{"a":[null]}', "value": '{"a":[null]}'},
            ]
        },
    ),
    ({"options": None, "labels": {"a": 1}}, {"options": [], "labels": []}),
    ({"labels": OPTIONS}, {"labels": OPTIONS}),
    (
        {"hidden": True, "help_text": "h", "placeholder": "p", "parent": "x"},
        {"hidden": True, "help_text": "h", "parent": "x"},
    ),
    ({"rule_columns": [{"name": "L"}, {"options": OPTIONS}]}, {"rules": ["a"]}),
    ({"rule_columns": {"lhs": {}}}, {"rules": []}),
]


@pytest.mark.parametrize(("answer", "expected"), FIELDS)
@pytest.mark.parametrize("place", ["fields", "workflows"])
def test_a_field_is_made_without_its_values(place: str, answer: dict[str, Any], expected: dict[str, Any]) -> None:
    fields = [{"id": "f", **answer}]
    config = {"fields": fields} if place == "fields" else {"fields": [], "workflows": [{"id": "w", "fields": fields}]}
    application = imported(config).application

    assert application is not None
    assert "s3cret" not in application.model_dump_json()
    field: Field = (application.fields or application.workflows[0].fields)[0]
    seen = {**field.model_dump(mode="json"), "rules": [rule.value for rule in field.rules]}
    assert {key: seen[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("inputs", "names", "sentences"),
    [
        ([{"label": "Key"}, KEY], ["api_key"], ["crm: input 1 of keybased, which has no name"]),
        ([{**KEY, "name": 7}], [], ["crm: input 1 of keybased, which has no name"]),
        ([KEY, "s3cret"], ["api_key"], ["crm: input 2 of keybased, which has no name"]),
        ([KEY, KEY], ["api_key"], ["crm: the second input 'api_key' of keybased"]),
        (
            [{**KEY, "options": [{"name": "s3cret"}]}],
            ["api_key"],
            ["crm: choices of input 'api_key' that have no value"],
        ),
    ],
)
def test_an_input_that_no_catalogue_can_hold_is_left_out(
    inputs: list[Any], names: list[str], sentences: list[str]
) -> None:
    answer: dict[str, Any] = {"auth_type": "keybased", "auth_type_options": {"keybased": inputs}}

    assert [each.name for each in made(**answer).inputs("keybased")] == names
    assert left_out(**answer) == sentences


def fields(*ids: str) -> list[dict[str, Any]]:
    return [{"id": each, "name": "s3cret" if each else "F"} for each in ids]


@pytest.mark.parametrize(
    ("config", "sentences"),
    [
        ({"fields": fields("f", "g", "f")}, ["crm: the second field 'f'"]),
        ({"fields": fields("")}, ["crm: the field 'F', whose id is empty"]),
        ({"fields": [{"id": "f", "options": ["a"]}]}, ["crm: choices of the field 'f' that have no value"]),
        (
            {"fields": fields("f"), "workflows": [{"id": "w", "fields": fields("f", "f")}, {"id": "w"}]},
            ["crm: the second field 'f' (in the workflow 'w')", "crm: the second workflow 'w'"],
        ),
    ],
)
def test_what_no_catalogue_can_hold_of_a_config_is_left_out(config: dict[str, Any], sentences: list[str]) -> None:
    application = imported(config).application

    assert application is not None
    assert left_out(config) == sentences


def test_an_application_that_no_catalogue_can_hold_is_left_out_without_its_values() -> None:
    broken = imported(slug="a b", name="s3cret")

    assert broken.application is None
    [sentence] = broken.left_out
    assert sentence.startswith("a b: the whole application, since slug: ")
    assert "s3cret" not in sentence
