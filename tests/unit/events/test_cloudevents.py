"""CloudEvents in structured JSON: what is taken, and that nothing else gets through or breaks the reader."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cobalt_mirror.events import (
    EVENT_TYPES,
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    InvalidEvent,
    UserSignedUp,
    parse_cloudevent,
    read_cloudevent,
)

SECRET = "hunter2-tell-nobody"
OWN: dict[str, Any] = {"id": "1", "source": "billing"}


def document(**changes: Any) -> dict[str, Any]:
    """A good document with changes; None leaves an attribute out."""
    whole = {
        "specversion": "1.0",
        "type": "user_signed_up",
        "data": {"linked_account_id": "acme"},
        **OWN,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def refusal(text: str | bytes) -> str:
    with pytest.raises(InvalidEvent) as refused:
        parse_cloudevent(text)
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("type_", "data", "event"),
    [
        ("user_signed_up", {"name": "Acme", "udf": {"plan": "pro"}}, ("Acme", {"plan": "pro"})),
        ("user_signed_up", {"auth_credentials": {"token": SECRET}}, (None, None, {"token": SECRET})),
        ("connection_authorized", {"slug": "slack", "auth_type": "oauth2"}, ("slack", "oauth2")),
        ("connection_removed", {"slug": "slack"}, ("slack",)),
        (
            "config_changed",
            {"slug": "slack", "fields": {"a": None}, "workflows": [{"id": "w", "enabled": False}]},
            ("slack", None, {"a": None}, [{"id": "w", "enabled": False}]),
        ),
    ],
)
def test_each_type_is_read(type_: str, data: dict[str, Any], event: tuple[Any, ...]) -> None:
    text = json.dumps(document(type=type_, data={"linked_account_id": "acme", **data}, time="2026-01-31T12:00:00Z"))

    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    wanted: Event = EVENT_TYPES[type_]("acme", *event, occurred_at=moment, **OWN)
    assert parse_cloudevent(text) == wanted
    assert parse_cloudevent(text.encode()) == wanted
    assert read_cloudevent(json.loads(text)) == wanted


def test_attributes_that_we_do_not_read_are_tolerated() -> None:
    extended = document(subject="acme", datacontenttype="application/json", dataschema="urn:x", traceparent="00-1")

    assert read_cloudevent(extended).id == "1"


def test_without_a_time_it_happened_now() -> None:
    before = datetime.now(UTC)

    assert before <= read_cloudevent(document()).occurred_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5+05:30", datetime(2026, 1, 31, 6, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00.123456789-00:00", datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_rfc_3339_writes_it(text: str, moment: datetime) -> None:
    assert read_cloudevent(document(time=text)).occurred_at == moment


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"specversion": None}, "specversion: "),
        ({"specversion": "0.3"}, "specversion: "),
        ({"specversion": 1.0}, "specversion: "),
        ({"specversion": "1.0\n"}, "specversion: "),
        ({"id": None}, "id: "),
        ({"id": ""}, "id: "),
        ({"id": 7}, "id: "),
        ({"id": SECRET + "x" * 200}, "id: "),
        ({"id": f"{SECRET}\0"}, "id: "),
        ({"source": None}, "source: "),
        ({"source": " "}, "source: "),
        ({"source": f"{SECRET}\ud800"}, "source: "),
        ({"type": None}, "type: "),
        ({"type": SECRET}, "type: must be one of user_signed_up, "),
        ({"type": ["user_signed_up"]}, "type: "),
        ({"time": "yesterday"}, "time: "),
        ({"time": "2026-01-31"}, "time: "),
        ({"time": "1769860800"}, "time: "),
        ({"time": 1769860800}, "time: "),
        ({"time": "2026-01-31T12:00:00"}, "time: "),
        ({"time": "2026-02-30T12:00:00Z"}, "time: "),
        ({"time": "2026-01-31T12:00:60Z"}, "time: "),
        ({"time": "٢٠٢٦-01-31T12:00:00Z"}, "time: "),
        ({"time": "1999-12-31T12:00:00Z"}, "occurred_at: "),
        ({"time": "9999-12-31T23:59:59-23:59"}, "occurred_at: "),
        ({"data": None}, "data: "),
        ({"data": [SECRET]}, "data: "),
        ({"data": json.dumps({"linked_account_id": SECRET})}, "data: "),
        ({"data": None, "data_base64": "e30="}, "data: "),
        ({"data": {}}, "linked_account_id: "),
        ({"data": {"linked_account_id": 7}}, "linked_account_id: "),
        ({"data": {"linked_account_id": "acme", "id": SECRET}}, "data.id: "),
        ({"data": {"linked_account_id": "acme", "source": SECRET}}, "data.source: "),
        ({"data": {"linked_account_id": "acme", "occurred_at": SECRET}}, "data.occurred_at: "),
        ({"data": {"linked_account_id": "acme", "slug": SECRET}}, "slug: "),
        ({"data": {"linked_account_id": "acme", "connection_id": SECRET}}, "connection_id: user_signed_up has no such"),
        ({"data": {"linked_account_id": "acme", "self": SECRET}}, "self: "),
        ({"data": {"linked_account_id": "acme", "__dataclass_self__": SECRET}}, "__dataclass_self__: "),
        ({"data": {"linked_account_id": "acme", "type": SECRET}}, "type: "),
        ({"data": {"linked_account_id": "acme", "\0": SECRET}}, r"'\x00': "),
        ({"data": {"linked_account_id": "acme", "\ud800": SECRET}}, r"'\ud800': "),
        ({"data": {"linked_account_id": "acme", "udf": {"\ud800": SECRET}}}, "udf"),
        ({"data": {"linked_account_id": "acme", "udf": {"plan": float("nan")}}}, "udf.plan: "),
    ],
)
def test_what_breaks_a_rule_is_named(changes: dict[str, Any], named: str) -> None:
    text = refusal(json.dumps(document(**changes)))

    assert text.startswith(named)
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON: "),
        (f'{{"data": "{SECRET}', "not JSON: "),
        (f"<html>{SECRET}</html>", "not JSON: "),
        (f'{{"a": "{SECRET}"}} {{}}', "not JSON: "),
        (SECRET.encode() + b"\xff", "not JSON: "),
        ("[" * 100_000, "JSON that cannot be read: "),
        ("1" * 10_000, "JSON that cannot be read: "),
        ("null", "event: must be a JSON object"),
        (f'"{SECRET}"', "event: must be a JSON object"),
        (f'[{{"id": "{SECRET}"}}]', "event: must be a JSON object"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str | bytes, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_in_a_decoded_document_is_refused(depth: int) -> None:
    value: Any = SECRET
    for _ in range(depth):
        value = {"deeper": value}
    deep = document(type="config_changed", data={"linked_account_id": "acme", "slug": "slack", "fields": {"a": value}})

    with pytest.raises(InvalidEvent, match=r"^fields\.a: must not be nested more than 64 levels deep$"):
        read_cloudevent(deep)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("\0\ud800.a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=15,
)
NAMES = (
    "linked_account_id",
    "slug",
    "name",
    "udf",
    "auth_credentials",
    "auth_type",
    "config_id",
    "fields",
    "workflows",
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.just("1.0") | JSON,
        "id": st.text(min_size=1, max_size=5) | JSON,
        "source": st.text(min_size=1, max_size=5) | JSON,
        "type": st.sampled_from([*EVENT_TYPES]) | JSON,
        "time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | JSON,
        "data": st.dictionaries(st.sampled_from(NAMES), st.text(min_size=1, max_size=3) | JSON) | JSON,
    },
)


@given(whole=ALMOST | JSON)
@example(whole=document(data={"linked_account_id": "acme", "name": "\ud800"}))
@example(whole=document(time="0001-01-01T00:00:00+23:59"))
def test_any_document_becomes_an_event_or_an_invalid_event(whole: Any) -> None:
    text = json.dumps(whole)
    try:
        event = parse_cloudevent(text)
    except InvalidEvent as refused:
        said = str(refused)
    else:
        said = ""
        assert isinstance(event, UserSignedUp | ConnectionAuthorized | ConfigChanged | ConnectionRemoved)
        assert json.loads(json.dumps(event.payload(), allow_nan=False)) == event.payload()
    assert said.isprintable()


@given(text=st.text() | st.binary())
def test_any_text_becomes_an_event_or_an_invalid_event(text: str | bytes) -> None:
    with pytest.raises(InvalidEvent):
        parse_cloudevent(text)
