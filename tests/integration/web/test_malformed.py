"""A corpus of bodies that are signed and wrong: each is refused, nothing is stored, and nothing is an error of ours."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import notifications
from tests.effort import tries
from tests.integration.web.endpoints import Endpoints, connection_notification, workflow_notification

MANY = settings(max_examples=tries(200), suppress_health_check=[HealthCheck.function_scoped_fixture])

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(alphabet="\x00\ud800é\n\x1b")
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
NO_TEXT: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.text()) | st.just({})
)
NO_IDENTIFIER = NO_TEXT | st.sampled_from(["", " ", ".", "..", "a\x00", "\ud800", "a\nb", "x" * 201])

TOLD = st.sampled_from(
    [
        connection_notification(),
        connection_notification("Connection Expired"),
        workflow_notification(),
        workflow_notification("Workflow Errored"),
    ]
)


def required(told: dict[str, Any]) -> list[str]:
    return ["event", "linked_account_id", *(["slug"] if "slug" in told else ["workflow_id", "instance_id"])]


@st.composite
def without_a_field(draw: st.DrawFn) -> bytes:
    told = draw(TOLD)
    gone = draw(st.sampled_from(required(told)))
    return json.dumps({name: value for name, value in told.items() if name != gone}).encode()


@st.composite
def with_a_wrong_field(draw: st.DrawFn) -> bytes:
    told = draw(TOLD)
    name = draw(st.sampled_from(required(told)))
    wrong = draw(NO_TEXT | st.sampled_from(["", "x" * 201]) if name == "event" else NO_IDENTIFIER)
    return json.dumps({**told, name: wrong}).encode()


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    body = json.dumps(draw(TOLD)).encode()
    return body[: draw(st.integers(0, len(body) - 1))]


@st.composite
def with_strange_bytes(draw: st.DrawFn) -> bytes:
    body = json.dumps(draw(TOLD)).encode()
    place = draw(st.integers(0, len(body)))
    return body[:place] + draw(st.sampled_from([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00"])) + body[place:]


@st.composite
def nested_too_deep(draw: st.DrawFn) -> bytes:
    depth = draw(st.integers(64, 20_000))
    inner = draw(st.sampled_from([b"[" * depth + b"]" * depth, b'{"a":' * (depth // 2) + b"1" + b"}" * (depth // 2)]))
    assume(len(inner) < 60_000 and (inner[:1] == b"[" or depth >= 130))
    return b'{"event": "Connection Created", "linked_account_id": "acme", "slug": "slack", "x": ' + inner + b"}"


def no_object(value: Any) -> bytes:
    return json.dumps(value).encode()


MALFORMED = st.one_of(
    without_a_field(),
    with_a_wrong_field(),
    cut(),
    with_strange_bytes(),
    nested_too_deep(),
    st.binary(max_size=200),
    (_SCALARS | st.lists(JSON, max_size=3)).map(no_object),
    st.dictionaries(st.text(max_size=4), JSON, max_size=3).map(no_object),
)


def count(endpoints: Endpoints) -> int:
    with reading(endpoints.world.engine).begin() as connection:
        return connection.execute(select(func.count()).select_from(notifications)).scalar_one()


@MANY
@given(body=MALFORMED)
def test_a_signed_body_that_is_malformed_is_refused_and_leaves_nothing(endpoints: Endpoints, body: bytes) -> None:
    answer = endpoints.notify(body)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (endpoints.world.rows("notifications"), endpoints.world.rows("checks")) == ([], [])


@settings(MANY, max_examples=tries(100))
@given(told=st.dictionaries(st.text(max_size=5), JSON, max_size=4), account=JSON, event=st.text(min_size=1, max_size=9))
def test_whatever_an_unknown_event_says_is_kept_or_refused(
    endpoints: Endpoints, told: dict[str, Any], account: Any, event: str
) -> None:
    before = count(endpoints)

    answer = endpoints.notify({**told, "linked_account_id": account, "event": event})

    assert answer.status_code in {200, 400}
    assert count(endpoints) == before + (answer.status_code == 200)


@settings(MANY, max_examples=tries(100))
@given(extra=st.dictionaries(st.text(max_size=5), JSON, max_size=4), error=JSON)
def test_whatever_else_a_known_event_says_is_kept_or_refused(
    endpoints: Endpoints, extra: dict[str, Any], error: Any
) -> None:
    told = workflow_notification("Workflow Errored", error=error)

    assert endpoints.notify({**extra, **told}).status_code in {200, 400}
    assert endpoints.notify({**extra, **connection_notification()}).status_code in {200, 400}


@MANY
@given(body=MALFORMED, kind=st.sampled_from(["cloudevents+json", "cloudevents-batch+json", "json"]))
def test_malformed_events_are_refused_and_leave_nothing(endpoints: Endpoints, body: bytes, kind: str) -> None:
    assume(body.strip() != b"[]")
    answer = endpoints.post_events(body, kind=kind)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert endpoints.world.rows("events") == []


@pytest.mark.parametrize("signature", ["", "0" * 64, "deadbeef"])
@settings(MANY, max_examples=tries(50))
@given(body=MALFORMED)
def test_a_malformed_body_that_nobody_signed_is_not_even_read(
    endpoints: Endpoints, signature: str, body: bytes
) -> None:
    answer = endpoints.request("POST", "/webhooks/cobalt", content=body, headers={"x-cobalt-signature": signature})

    assert answer.status_code == 401
    assert endpoints.world.rows("notifications") == []
