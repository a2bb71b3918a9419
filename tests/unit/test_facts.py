"""The facts that stand for the vendor's reference: they say what it says, and they judge something."""

import json
from typing import Any

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from tests.facts import ANSWERS, DESCRIPTION, EXAMPLES, OPERATIONS, example_answers, shape, stand_in
from tests.facts.reference import answers_of_the_reference, operations_of_the_reference
from tests.facts.required import ANYTHING, anonymous, required_keys
from tests.unit.cobalt.description import Description, own_openapi, vendors_openapi

FACTS: dict[str, dict[str, Any]] = json.loads(OPERATIONS.read_text("utf-8"))
URL = "https://app.refold.ai/api/v2/public"
HEADERS = {"x-api-key": "tk_1", "content-type": "application/json"}

Sent = tuple[str, str, bytes, dict[str, str]]

FITTING: list[Sent] = [
    ("POST", "/session-token", b'{"linked_account_id": "a"}', HEADERS),
    ("GET", "/linked-account?page=2", b"", HEADERS),
    ("GET", "/application", b"", {"authorization": "Bearer t"}),
    ("POST", "/webhook", b'{"webhook_url": "https://a", "webhook_events": ["a"]}', HEADERS),
    ("PATCH", "/slug/a/config/b/workflows/c", b'{"enabled": true}', HEADERS),
]
WRONG: list[Sent] = [
    ("POST", "/session-token", b"{}", HEADERS),
    ("POST", "/session-token", b"", HEADERS),
    ("POST", "/session-token", b'{"linked_account_id": 7}', HEADERS),
    ("POST", "/session-token", b'{"linked_account_id": "a"}', {"content-type": "application/json"}),
    ("GET", "/linked-account?page=two", b"", HEADERS),
    ("GET", "/nosuch", b"", HEADERS),
    ("POST", "/connect-url", b"{}", {"authorization": "Bearer t", "content-type": "application/json"}),
    ("POST", "/webhook", b'{"webhook_url": "https://a", "webhook_events": "a"}', HEADERS),
    ("POST", "/webhook", b'{"webhook_url": "https://a", "webhook_events": [], "method": "GET"}', HEADERS),
    ("PATCH", "/slug/a/config/b/workflows/c", b'{"enabled": "yes"}', HEADERS),
]


@pytest.fixture(scope="module")
def judge() -> Description:
    return Description(own_openapi())


def request(sent: Sent) -> httpx.Request:
    method, path, body, headers = sent
    return httpx.Request(method, URL + path, content=body, headers=headers)


@pytest.mark.parametrize("sent", FITTING, ids=lambda sent: f"{sent[0]} {sent[1]}")
def test_a_request_that_fits_the_facts_passes(judge: Description, sent: Sent) -> None:
    judge.judge_request(request(sent))


@pytest.mark.parametrize("sent", WRONG, ids=lambda sent: f"{sent[0]} {sent[1]}")
def test_a_request_that_does_not_fit_is_refused(judge: Description, sent: Sent) -> None:
    with pytest.raises(OpenAPIError):
        judge.judge_request(request(sent))


@pytest.fixture(scope="module", params=["vendor's", "own"])
def either_judge(request: pytest.FixtureRequest) -> Description:
    """The judge of answers: the vendor's description, and our facts of it."""
    if request.param == "own":
        return Description(own_openapi())
    if not DESCRIPTION.exists():
        pytest.skip("the vendor's openapi.yaml is not beside this clone")
    return Description(vendors_openapi())


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/linked-account/{linked_account_id}", {"udf": {"plan": "gold"}}),
        ("/linked-account/{linked_account_id}", {"environment": "staging"}),
        ("/linked-account/{linked_account_id}", {"createdAt": "yesterday"}),
        ("/linked-account/{linked_account_id}", {"name": None}),
        ("/application/{slug}", {"connected_accounts": [{"connectedAt": 7}]}),
        ("/slug/{slug}/config", {"fields": {"a": 1}}),
    ],
)
def test_an_answer_of_another_type_is_refused(either_judge: Description, path: str, keys: dict[str, Any]) -> None:
    asked = asked_for(f"GET /api/v2/public{path}")
    answer = next(
        each["body"]
        for each in example_answers()
        if (each["method"], each["status"]) == ("GET", 200) and each["path"].endswith(path)
    )

    either_judge.judge_answer(asked, httpx.Response(200, json=answer))
    with pytest.raises(OpenAPIError):
        either_judge.judge_answer(asked, httpx.Response(200, json={**answer, **keys}))


def test_an_object_is_no_list(either_judge: Description) -> None:
    asked = asked_for("GET /api/v2/public/slug/{slug}/configs")
    item = {"_id": "1", "config_id": "a"}

    either_judge.judge_answer(asked, httpx.Response(200, json=[item]))
    with pytest.raises(OpenAPIError):
        either_judge.judge_answer(asked, httpx.Response(200, json=item))


@pytest.mark.parametrize("call", FACTS)
def test_an_answer_without_any_key_is_refused(either_judge: Description, call: str) -> None:
    empty: Any = [{}] if isinstance(FACTS[call]["answer"], list) else {}
    answer = httpx.Response(200, json=empty)

    if anonymous(call) in ANYTHING:
        either_judge.judge_answer(asked_for(call), answer)
    else:
        with pytest.raises(OpenAPIError):
            either_judge.judge_answer(asked_for(call), answer)


def test_each_operation_has_required_keys_or_a_reason_to_have_none() -> None:
    required = required_keys()

    assert {call for call in FACTS if not required.get(anonymous(call))} == {
        call for call in FACTS if anonymous(call) in ANYTHING
    }
    assert set(ANYTHING) <= {anonymous(call) for call in FACTS}


def asked_for(call: str) -> httpx.Request:
    """Return a request for an operation, as a judge of its answer needs it."""
    method, path = anonymous(call).split(" ")
    return httpx.Request(method, "https://app.refold.ai" + path.replace("{}", "a"), headers=HEADERS)


def test_a_shape_and_what_stands_in_for_it_are_alike() -> None:
    for fact in json.loads(ANSWERS.read_text("utf-8")):
        assert shape(stand_in(fact["body"])) == fact["body"]


def test_the_facts_have_nothing_of_the_references_sentences() -> None:
    """Texts are words of the notation, names of keys, paths and codes: none has a space but a call or a label."""

    def texts(fact: Any) -> list[str]:
        match fact:
            case dict():
                return [text for key, each in fact.items() for text in (key, *texts(each))]
            case list():
                return [text for each in fact for text in texts(each)]
            case _:
                return [fact] if isinstance(fact, str) else []

    bodies = [fact["body"] for fact in json.loads(ANSWERS.read_text("utf-8"))]
    assert [text for text in texts(bodies) + texts(list(FACTS.values())) if " " in text] == []


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the vendor's openapi.yaml is not beside this clone")
def test_the_operations_are_those_of_the_reference() -> None:
    assert operations_of_the_reference() == FACTS


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the vendor's examples.json is not beside this clone")
def test_the_answers_are_those_of_the_reference() -> None:
    assert answers_of_the_reference() == json.loads(ANSWERS.read_text("utf-8"))
