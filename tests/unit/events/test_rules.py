"""An event that breaks a rule is never made: the error names the field and keeps the value to itself."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    EventError,
    InvalidEvent,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.events.identifiers import LONGEST
from cobalt_mirror.events.values import DEEPEST

SECRET = "hunter2-tell-nobody"
#: What no identifier, name or slug may be, each holding the secret where a text can.
BAD_TEXTS: dict[str, Any] = {
    "missing": None,
    "empty": "",
    "blank": "   ",
    "over-long": SECRET + "x" * LONGEST,
    "a number": 7,
    "bytes": SECRET.encode(),
    "a list": [SECRET],
    "NUL": f"{SECRET}\0",
    "a line break": f"{SECRET}\n",
    "an escape": f"\x1b[31m{SECRET}",
    "a C1 control": f"{SECRET}\x85",
    "half a surrogate pair": f"{SECRET}\ud83d",
}

Make = Callable[[Any], Event]
TEXT_FIELDS: dict[str, Make] = {
    "linked_account_id": UserSignedUp,
    "id": lambda value: UserSignedUp("acme", id=value),
    "source": lambda value: UserSignedUp("acme", source=value),
    "slug": lambda value: ConnectionAuthorized("acme", value),
}
OPTIONAL_TEXT_FIELDS: dict[str, Make] = {
    "name": lambda value: UserSignedUp("acme", value),
    "auth_type": lambda value: ConnectionRemoved("acme", "slack", value),
    "config_id": lambda value: ConfigChanged("acme", "slack", config_id=value),
    "connection_id": lambda value: ConnectionRemoved("acme", "slack", connection_id=value),
}


def refusal(make: Make, value: Any) -> str:
    with pytest.raises(InvalidEvent) as refused:
        make(value)
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize("bad", BAD_TEXTS)
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_a_required_text_obeys_every_rule(field: str, bad: str) -> None:
    assert refusal(TEXT_FIELDS[field], BAD_TEXTS[bad]).startswith(f"{field}: ")


@pytest.mark.parametrize("bad", [bad for bad in BAD_TEXTS if bad != "missing"])
@pytest.mark.parametrize("field", OPTIONAL_TEXT_FIELDS)
def test_an_optional_text_obeys_every_rule(field: str, bad: str) -> None:
    assert refusal(OPTIONAL_TEXT_FIELDS[field], BAD_TEXTS[bad]).startswith(f"{field}: ")


@pytest.mark.parametrize("field", [*TEXT_FIELDS, *OPTIONAL_TEXT_FIELDS])
@pytest.mark.parametrize("text", ["x" * LONGEST, "über/ straße@☕", "🙂" * LONGEST, " a"])
def test_any_printable_text_up_to_the_limit_is_taken(field: str, text: str) -> None:
    event = {**TEXT_FIELDS, **OPTIONAL_TEXT_FIELDS}[field](text)

    assert getattr(event, field) == text


@pytest.mark.parametrize("kind", [ConnectionAuthorized, ConfigChanged, ConnectionRemoved])
def test_a_field_that_is_left_out_is_named(kind: type[Event]) -> None:
    with pytest.raises(InvalidEvent, match=r"^slug: Field required$"):
        kind("acme")
    with pytest.raises(InvalidEvent, match=r"^linked_account_id: Field required; slug: Field required$"):
        kind()  # type: ignore[call-arg]


@pytest.mark.parametrize("text", [".", ".."])
@pytest.mark.parametrize("field", ["linked_account_id", "slug", "config_id", "connection_id"])
def test_what_becomes_part_of_a_path_is_no_way_up(field: str, text: str) -> None:
    assert refusal({**TEXT_FIELDS, **OPTIONAL_TEXT_FIELDS}[field], text).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("value", "wants"),
    [
        (datetime(2026, 1, 31), "timezone"),  # noqa: DTZ001 - that is the point
        (datetime.now(UTC) + timedelta(days=1), "5 minutes in the future"),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), "before the year 2000"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))), "5 minutes in the future"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), "before the year 2000"),
        ("2026-01-31T12:00:00Z", "valid datetime"),
        (1769860800, "valid datetime"),
        (None, "valid datetime"),
    ],
)
def test_a_moment_is_aware_and_plausible(value: Any, wants: str) -> None:
    text = refusal(lambda moment: UserSignedUp("acme", occurred_at=moment), value)

    assert text.startswith("occurred_at: ")
    assert wants in text


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=4, seconds=30), timedelta(days=-9000)])
def test_a_moment_within_the_limits_is_kept_in_utc(ahead: timedelta) -> None:
    moment = (datetime.now(UTC) + ahead).astimezone(timezone(timedelta(hours=5, minutes=30)))

    event = UserSignedUp("acme", occurred_at=moment)

    assert event.occurred_at == moment
    assert event.occurred_at.tzinfo is UTC


@pytest.mark.parametrize("field", ["udf", "auth_credentials"])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (SECRET, ""),
        ([SECRET], ""),
        ({"plan": 1}, ".plan"),
        ({"plan": None}, ".plan"),
        ({"plan": [SECRET]}, ".plan"),
        ({"plan": f"{SECRET}\0"}, ".plan"),
        ({"plan": f"{SECRET}\ud83d"}, ".plan"),
        ({"": SECRET}, "."),
        ({1: SECRET}, ".1"),
        ({"x" * 201: SECRET}, "." + "x" * 60),
        ({"a\0b": SECRET}, r".'a\x00b'"),
    ],
)
def test_a_map_of_texts_is_one(field: str, value: Any, named: str) -> None:
    text = refusal(lambda given: UserSignedUp("acme", **{field: given}), value)

    assert text.startswith(f"{field}{named}")
    assert text.isprintable()


def nested(depth: int) -> Any:
    value: Any = SECRET
    for number in range(depth):
        value = [value] if number % 2 else {"deeper": value}
    return value


def circle() -> Any:
    value: list[Any] = [SECRET]
    value.append(value)
    return value


BAD_VALUES: dict[str, Any] = {
    "NaN": float("nan"),
    "infinity": float("-inf"),
    "NaN deep inside": {"a": [1, {"b": float("nan")}]},
    "NUL": f"{SECRET}\0",
    "NUL deep inside": [{"a": f"{SECRET}\0"}],
    "NUL in a key": {"a\0": SECRET},
    "half a surrogate pair": f"{SECRET}\udc00",
    "an object": object(),
    "bytes": SECRET.encode(),
    "a moment": datetime.now(UTC),
    "a set": {SECRET},
    "a tuple": (SECRET,),
    "a key that is no text": {1: SECRET},
    "an integer that no other language reads": 2**63,
    "a float of that size": 1e20,
    "an integer that Python does not print": 10**5000,
    "one level too deep": nested(DEEPEST + 1),
    "a hundred thousand levels deep": nested(100_000),
    "inside itself": circle(),
}


@pytest.mark.parametrize("bad", BAD_VALUES)
def test_a_config_s_value_is_json_that_a_database_takes(bad: str) -> None:
    value = BAD_VALUES[bad]

    in_config = refusal(lambda it: ConfigChanged("acme", "slack", fields={"channel": it}), value)
    assert in_config.startswith("fields.channel")
    in_workflow = refusal(
        lambda it: ConfigChanged("acme", "slack", workflows=[{"id": "sync", "fields": {"channel": it}}]), value
    )
    assert in_workflow.startswith("workflows.0.fields.channel")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63) + 1,
        1.5,
        1e16,
        "",
        "two\nlines\tand ☕",
        [],
        {},
        {"a": [None, {"b": "c"}]},
        nested(DEEPEST),
    ],
)
def test_any_other_json_is_taken_as_a_value(value: Any) -> None:
    assert ConfigChanged("acme", "slack", fields={"channel": value}).payload()["fields"] == {"channel": value}


@pytest.mark.parametrize(
    ("workflows", "named"),
    [
        ({"id": "sync"}, "workflows: "),
        (["sync"], "workflows.0: "),
        ([{"id": "sync"}, {"enabled": True}], "workflows.1.id: "),
        ([{"id": ""}], "workflows.0.id: "),
        ([{"id": "sync", "enabled": "yes"}], "workflows.0.enabled: "),
        ([{"id": "sync", "enabled": None}], "workflows.0.enabled: "),
        ([{"id": "sync", "fields": None}], "workflows.0.fields: "),
        ([{"id": "sync", "colour": SECRET}], "workflows.0.colour: "),
    ],
)
def test_a_change_of_workflows_has_its_form(workflows: Any, named: str) -> None:
    assert refusal(lambda value: ConfigChanged("acme", "slack", workflows=value), workflows).startswith(named)


def test_a_field_that_no_event_has_is_named() -> None:
    assert refusal(lambda value: UserSignedUp("acme", colour=value), SECRET).startswith("colour: ")  # type: ignore[call-arg]
    with pytest.raises(InvalidEvent, match=r"^3: "):
        ConnectionAuthorized("acme", "slack", "oauth2", SECRET)  # type: ignore[call-arg]
    with pytest.raises(InvalidEvent, match=r"^linked_account_id: Got multiple values"):
        UserSignedUp("acme", linked_account_id="other")  # type: ignore[misc]


@pytest.mark.parametrize("kind", [ConnectionAuthorized, ConfigChanged, ConnectionRemoved])
def test_an_event_of_a_connection_may_name_it(kind: Callable[..., Event]) -> None:
    assert kind("acme", "slack", connection_id="c1").payload()["connection_id"] == "c1"
    assert "connection_id" not in kind("acme", "slack").payload()
    said = refusal(lambda value: kind("acme", "slack", connection_id=value), f"{SECRET}\0")
    assert said.startswith("connection_id: ")


@pytest.mark.parametrize("kind", [UserSignedUp, UserDeleted])
def test_an_event_of_the_account_itself_takes_no_connection(kind: Callable[..., Event]) -> None:
    assert refusal(lambda value: kind("acme", connection_id=value), "c1").startswith("connection_id: Unexpected")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidEvent, match=r"^linked_account_id: .*; udf\.plan: .*; id: "):
        UserSignedUp("", None, {"plan": 1}, id="")  # type: ignore[dict-item]


def test_an_invalid_event_is_an_error_of_this_package() -> None:
    assert issubclass(InvalidEvent, EventError)


def test_what_is_left_out_has_sensible_values() -> None:
    before = datetime.now(UTC)
    first, second = UserSignedUp("acme"), UserSignedUp("acme")

    assert first.source == "host"
    assert before <= first.occurred_at <= datetime.now(UTC)
    assert first.id < second.id  # ordered by time
    assert first.payload() == {}
    assert ConfigChanged("acme", "slack").payload() == {"fields": {}, "workflows": []}


def test_an_event_cannot_be_changed_and_does_not_show_its_secrets() -> None:
    event = UserSignedUp("acme", auth_credentials={"token": SECRET})
    change = ConfigChanged(
        "acme", "slack", fields={"password": SECRET}, workflows=[{"id": "a", "fields": {"b": SECRET}}]
    )

    assert SECRET not in repr([event, change])
    with pytest.raises(FrozenInstanceError):
        event.name = "other"  # type: ignore[misc]


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_whatever_is_given_for_a_field_is_taken_or_refused_by_name(value: Any) -> None:
    for field, make in {**TEXT_FIELDS, **OPTIONAL_TEXT_FIELDS}.items():
        try:
            taken, said = getattr(make(value), field) == value, f"{field}: "
        except InvalidEvent as refused:
            taken, said = True, str(refused)
        assert taken
        assert said.startswith(f"{field}: ")
