"""A form is made of any schema, and what a customer typed in becomes a value, or a sentence beside the field."""

from typing import Any

import pytest

from cobalt_mirror.db import MirroredConfig
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.events.size import LARGEST_PAYLOAD
from cobalt_mirror.workers.web.page.forms import (
    Changes,
    Form,
    Input,
    Kind,
    Option,
    WrongValue,
    kind_of,
    make_form,
    make_input,
    read_changes,
    read_number,
    read_value,
)
from cobalt_mirror.workers.web.page.submitted import Answer, Submitted

COLOURS: list[dict[str, Any]] = [
    {"name": "Red", "value": "red"},
    {"name": "Nought", "value": 0},
    {"name": "No", "value": False},
]

KINDS: list[tuple[dict[str, Any], Kind]] = [
    ({"field_type": "text"}, Kind.TEXT),
    ({"field_type": "email"}, Kind.TEXT),
    ({"field_type": "one that is new"}, Kind.TEXT),
    ({}, Kind.TEXT),
    ({"field_type": "text", "multiple": True}, Kind.LINES),
    ({"field_type": "textarea"}, Kind.LONG_TEXT),
    ({"field_type": "number"}, Kind.NUMBER),
    ({"field_type": "number", "multiple": True}, Kind.ELSEWHERE),
    ({"field_type": "checkbox"}, Kind.SWITCH),
    ({"field_type": "checkbox", "multiple": True}, Kind.ELSEWHERE),
    ({"field_type": "password"}, Kind.PASSWORD),
    ({"field_type": "Password"}, Kind.PASSWORD),
    ({"field_type": "secret", "options": COLOURS}, Kind.PASSWORD),
    ({"field_type": "select", "options": COLOURS}, Kind.CHOICE),
    ({"field_type": "select", "options": COLOURS, "multiple": True}, Kind.CHOICES),
    ({"field_type": "select", "options": []}, Kind.TEXT),
    ({"field_type": "select", "options": None}, Kind.TEXT),
    ({"field_type": "map", "options": COLOURS}, Kind.ELSEWHERE),
    ({"field_type": "map_v2"}, Kind.ELSEWHERE),
    ({"field_type": "rule_engine"}, Kind.ELSEWHERE),
    ({"field_type": "json"}, Kind.ELSEWHERE),
]


@pytest.mark.parametrize(("schema", "kind"), KINDS)
def test_what_a_field_is_filled_in_with(schema: dict[str, Any], kind: Kind) -> None:
    assert kind_of(schema, has_options=bool(schema.get("options"))) is kind
    assert make_input({"id": "x", **schema}, None).kind is kind


def input_of(kind: Kind, *, required: bool = False) -> Input:
    options = [Option(name=str(each["name"]), value=each["value"]) for each in COLOURS]
    return Input(id="x", name="Colour", kind=kind, is_required=required, options=options)


VALUES: list[tuple[Kind, list[str], Any]] = [
    (Kind.TEXT, ["a"], "a"),
    (Kind.TEXT, [" a "], " a "),
    (Kind.TEXT, [""], None),
    (Kind.TEXT, ["  "], None),
    (Kind.TEXT, [], None),
    (Kind.LONG_TEXT, ["a\nb"], "a\nb"),
    (Kind.LINES, ["a\n\n b \n"], ["a", "b"]),
    (Kind.LINES, ["\n"], None),
    (Kind.PASSWORD, ["s3cret"], "s3cret"),
    (Kind.PASSWORD, [""], None),
    (Kind.NUMBER, ["3"], 3),
    (Kind.NUMBER, [""], None),
    (Kind.SWITCH, ["on"], True),
    (Kind.SWITCH, [], False),
    (Kind.CHOICE, ["red"], "red"),
    (Kind.CHOICE, ["0"], 0),
    (Kind.CHOICE, ["False"], False),
    (Kind.CHOICE, [""], None),
    (Kind.CHOICES, ["red", "0"], ["red", 0]),
    (Kind.CHOICES, [], None),
]


@pytest.mark.parametrize(("kind", "texts", "value"), VALUES)
def test_what_was_typed_in_becomes_a_value(kind: Kind, texts: list[str], value: Any) -> None:
    read = read_value(input_of(kind), texts)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in {Kind.SWITCH, Kind.ELSEWHERE}])
def test_a_required_field_is_not_cleared(kind: Kind) -> None:
    with pytest.raises(WrongValue, match=r"^Colour is required\.$"):
        read_value(input_of(kind, required=True), [""])


@pytest.mark.parametrize(
    ("kind", "texts", "value"), [(Kind.SWITCH, [], False), (Kind.NUMBER, ["0"], 0), (Kind.CHOICE, ["False"], False)]
)
def test_nought_and_no_are_values_of_a_required_field(kind: Kind, texts: list[str], value: object) -> None:
    assert read_value(input_of(kind, required=True), texts) == value


@pytest.mark.parametrize("kind", [Kind.CHOICE, Kind.CHOICES])
def test_a_choice_that_is_not_offered_is_refused(kind: Kind) -> None:
    with pytest.raises(WrongValue, match=r"^Colour is not one of the choices\.$"):
        read_value(input_of(kind), ["blue"])


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-1", -1), ("1.5", 1.5), ("1e3", 1000.0), ("9223372036854775807", 2**63 - 1)],
)
def test_numbers(text: str, number: float) -> None:
    assert (read_number(text), type(read_number(text))) == (number, type(number))


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775808", "9" * 30, "1e30", "-1e19"])
def test_a_number_that_no_event_may_have_is_said_to_be_too_large(text: str) -> None:
    with pytest.raises(WrongValue, match=r"^Enter a number with fewer digits\.$"):
        read_value(input_of(Kind.NUMBER), [text])


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.LONG_TEXT, Kind.PASSWORD, Kind.LINES])
@pytest.mark.parametrize("text", ["a\0", "a\x01b", "a\x7f", "a\ud83d"])
def test_a_character_that_no_event_may_have_is_said_to_be_there(kind: Kind, text: str) -> None:
    with pytest.raises(WrongValue, match=r"^Colour has a character that cannot be saved; type it in again\.$"):
        read_value(input_of(kind), [text])


@pytest.mark.parametrize("text", ["one", "1,5", "nan", "inf", "-inf", "1e999", "9" * 400, "9" * 5_000, "0x10"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(WrongValue, match=r"^Enter a number\.$"):
        read_number(text)


def field(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_.title(), "field_type": "text", **more}


def config(**values: Any) -> MirroredConfig:
    """A config with a required field, a hidden one and one for rules; and a workflow that has a required field."""
    schema = {
        "fields": [
            field("channel", required=True),
            field("secret", field_type="password", required=True),
            field("internal", hidden=True, required=True),
            field("rules", field_type="rule_engine", required=True),
        ],
        "workflows": [{"id": "notify", "name": "Notify", "fields": [field("template", required=True), field("note")]}],
    }
    defaults: dict[str, Any] = {
        "fields": {"channel": "alerts", "secret": "never"},
        "workflows": [{"id": "notify", "name": "Notify", "enabled": False, "fields": {"note": "n"}}],
        "schema": schema,
        "field_errors": [],
    }
    return MirroredConfig(
        linked_account_id="acme",
        slug="slack",
        config_id="acme",
        connection_id="",
        status=ConfigStatus.INSTALLED,
        verified_at=None,
        **{**defaults, **values},
    )


def submit(form: Form, *answers: tuple[str | None, str, list[str]], **enabled: bool) -> Changes:
    made = [Answer(workflow=workflow, field=name, values=values) for workflow, name, values in answers]
    return read_changes(form, Submitted(slug="slack", answers=made, enabled=enabled))


def test_a_form_has_the_values_of_the_mirror_without_passwords_and_hidden_fields() -> None:
    form = make_form(config())

    assert [(part.workflow_id, part.enabled) for part in form.parts] == [(None, True), ("notify", False)]
    values = {(part.workflow_id, each.id): each.value for part in form.parts for each in part.inputs}
    assert values == {
        (None, "channel"): "alerts",
        (None, "secret"): None,
        (None, "rules"): None,
        ("notify", "template"): None,
        ("notify", "note"): "n",
    }


def test_what_cobalt_says_is_at_its_field() -> None:
    errors = [
        {"id": "channel", "name": "Channel", "error": {"message": "is gone"}},
        {"id": "channel", "name": "Channel", "error": {"message": ""}},
        {"id": "note", "name": "Note", "error": None},
    ]
    form = make_form(config(field_errors=errors))

    said = {each.id: each.errors for part in form.parts for each in part.inputs if each.errors}
    assert said == {
        "channel": ["is gone", "This value has to be corrected."],
        "note": ["This value has to be corrected."],
    }
    assert form.faults == 2


def test_an_empty_schema_makes_an_empty_form() -> None:
    assert make_form(config(schema={})).parts == []


def test_only_what_changed_is_in_the_event() -> None:
    changes = submit(make_form(config()), (None, "channel", ["general"]), ("notify", "note", [""]))

    assert changes == Changes(fields={"channel": "general"}, workflows=[{"id": "notify", "fields": {"note": None}}])


def test_a_workflow_is_switched_and_filled_in_at_once() -> None:
    changes = submit(make_form(config()), ("notify", "template", ["Hi"]), notify=True)

    assert changes.workflows == [{"id": "notify", "enabled": True, "fields": {"template": "Hi"}}]
    assert changes.errors == []


def test_nothing_changed_is_nothing_to_publish() -> None:
    assert submit(make_form(config())) == Changes()


@pytest.mark.parametrize(
    ("values", "enabled", "missing"),
    [
        ({}, {}, []),  # the password may be stored; the workflow is off
        ({"fields": {}}, {}, [(None, "channel")]),
        ({"fields": {"channel": ""}}, {}, [(None, "channel")]),
        ({"fields": {"channel": 0}}, {}, []),
        ({}, {"notify": True}, [("notify", "template")]),
        ({}, {"notify": False}, []),
    ],
)
def test_what_is_required_and_empty_is_said(
    values: dict[str, Any], enabled: dict[str, bool], missing: list[tuple[str | None, str]]
) -> None:
    errors = submit(make_form(config(**values)), **enabled).errors

    assert [(each["workflow"], each["field"]) for each in errors] == missing


def test_a_wrong_value_is_said_once_with_its_workflow() -> None:
    errors = submit(make_form(config()), ("notify", "template", [" "]), notify=True).errors

    assert errors == [{"workflow": "notify", "field": "template", "message": "Template is required."}]


@pytest.mark.parametrize(("length", "is_too_long"), [(LARGEST_PAYLOAD, True), (LARGEST_PAYLOAD - 200, False)])
def test_the_longest_of_the_answers_is_said_to_be_too_long(length: int, is_too_long: bool) -> None:
    errors = submit(make_form(config()), (None, "channel", ["short"]), ("notify", "note", ["x" * length])).errors

    wrong = {"workflow": "notify", "field": "note", "message": "Note is too long; shorten it."}
    assert errors == ([wrong] if is_too_long else [])


@pytest.mark.parametrize(
    "answer", [(None, "no_such", ["1"]), ("no_such", "note", ["1"]), (None, "internal", ["1"]), (None, "rules", ["1"])]
)
def test_a_field_that_the_form_does_not_have_is_not_read(answer: tuple[str | None, str, list[str]]) -> None:
    with pytest.raises(LookupError):
        submit(make_form(config()), answer)


def test_a_workflow_that_the_form_does_not_have_is_not_switched() -> None:
    with pytest.raises(LookupError):
        submit(make_form(config()), no_such=True)
