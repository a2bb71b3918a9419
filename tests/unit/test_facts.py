"""The facts that stand for the vendor's reference: they say what it says, and they judge something."""

import json
from typing import Any

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from tests.facts import ANSWERS, DESCRIPTION, EXAMPLES, OPERATIONS, shape, stand_in
from tests.facts.reference import answers_of_the_reference, operations_of_the_reference
from tests.unit.cobalt.description import Description, own_openapi

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


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/linked-account/a", {"udf": {"plan": "gold"}}),
        ("/linked-account/a", {"environment": "staging"}),
        ("/linked-account/a", {"createdAt": "yesterday"}),
        ("/linked-account/a", {"name": None}),
        ("/application/a", {"connected_accounts": [{"connectedAt": 7}]}),
        ("/slug/a/config", {"fields": {"a": 1}}),
        ("/slug/a/configs", {"config_id": "a"}),
    ],
)
def test_an_answer_of_another_type_is_refused(judge: Description, path: str, answer: Any) -> None:
    asked = request(("GET", path, b"", HEADERS))

    judge.judge_answer(asked, httpx.Response(200, json=[] if path.endswith("configs") else {}))
    with pytest.raises(OpenAPIError):
        judge.judge_answer(asked, httpx.Response(200, json=answer))


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
