"""Identifiers of any kind reach Cobalt unchanged, or are refused before anything is sent."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest

from cobalt_mirror.cobalt import InvalidIdentifier, KeyRefused, UnknownAccount
from cobalt_mirror.cobalt.identifiers import fits_header
from tests.unit.cobalt.calls import ACCOUNT_CALLS, ALL_CALLS
from tests.unit.cobalt.scripted import KEY, ScriptedCobalt, account_answer, answer, refusal, token_answer

ODD_IDS = [
    "a/b",
    "a b",
    "a@b.example",
    "😀",
    "é",
    "%2F",
    "a%b",
    "a?b#c",
    "a+b&c=d",
    "..a",
    "a/../b",
    "\\",
    '"',
    " edge ",
    "tab\there",
    "line\nbreak",
    "x" * 200,
    "漢" * 200,
]
PLAIN_IDS = ["acme", "a/b", "a b", "a@b.example", '"', "x" * 200, "%2F"]
OTHER_CALLS_FOR_AN_ACCOUNT = [
    "upsert_account",
    "fetch_account",
    "delete_account",
    "disconnect",
    "session_token",
    "connect_url",
]
HEADERLESS_IDS = ["😀", "é", " edge", "edge ", "tab\there", "line\nbreak", "nul\x00", "\x7f"]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_is_one_segment_of_the_path_and_comes_back_unchanged(odd: str) -> None:
    cobalt = ScriptedCobalt(account_answer())
    cobalt.client().fetch_account(odd)
    path = cobalt.request.url.raw_path.decode()
    segment = path.removeprefix("/api/v2/public/linked-account/")
    assert "/" not in segment
    assert unquote(segment) == odd


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_in_a_query_comes_back_unchanged(odd: str) -> None:
    cobalt = ScriptedCobalt(account_answer())
    cobalt.client().disconnect(odd, "slack", auth_type="oauth2")
    assert cobalt.request.url.params.multi_items() == [("linked_account_id", odd), ("auth_type", "oauth2")]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_in_a_body_comes_back_unchanged(odd: str) -> None:
    cobalt = ScriptedCobalt(account_answer())
    cobalt.client().upsert_account(odd)
    assert cobalt.body == {"linked_account_id": odd}


@pytest.mark.parametrize("plain", PLAIN_IDS)
def test_visible_ascii_with_inner_spaces_fits_a_header(plain: str) -> None:
    cobalt = ScriptedCobalt(answer([]))
    cobalt.client().fetch_applications(plain)
    assert cobalt.request.headers["linked_account_id"] == plain
    assert len(cobalt.requests) == 1


@pytest.mark.parametrize("odd", HEADERLESS_IDS)
@pytest.mark.parametrize("name", ACCOUNT_CALLS)
def test_an_id_that_no_header_carries_travels_in_the_body_that_mints_a_token(name: str, odd: str) -> None:
    cobalt = ScriptedCobalt(token_answer(), ACCOUNT_CALLS[name].answer)
    ACCOUNT_CALLS[name].call(cobalt.client(), odd)
    minted, called = cobalt.requests
    assert minted.headers["x-api-key"] == KEY
    assert b'"linked_account_id"' in minted.content
    assert called.headers["authorization"] == "Bearer token-1"
    assert not {"x-api-key", "linked_account_id"} & set(called.headers)


def test_the_token_of_such_an_account_is_minted_once() -> None:
    cobalt = ScriptedCobalt(token_answer(), answer([]))
    with cobalt.client() as client:
        client.fetch_applications("é")
        client.fetch_applications("é")
    assert [request.method for request in cobalt.requests] == ["POST", "GET", "GET"]


def test_a_refused_token_is_dropped_and_minted_once_more() -> None:
    cobalt = ScriptedCobalt(token_answer("old"), refusal(401), token_answer("new"), answer([]))
    assert cobalt.client().fetch_applications("é") == []
    assert [request.headers.get("authorization") for request in cobalt.requests] == [
        None,
        "Bearer old",
        None,
        "Bearer new",
    ]


def test_a_token_refused_twice_is_an_error() -> None:
    cobalt = ScriptedCobalt(token_answer("old"), refusal(401), token_answer("new"), refusal(401))
    with pytest.raises(KeyRefused):
        cobalt.client().fetch_applications("é")
    assert len(cobalt.requests) == 4


def test_a_key_refused_while_minting_is_not_tried_again() -> None:
    cobalt = ScriptedCobalt(refusal(401))
    with pytest.raises(KeyRefused):
        cobalt.client().fetch_applications("é")
    assert len(cobalt.requests) == 1


def test_a_forbidden_token_is_not_minted_again() -> None:
    cobalt = ScriptedCobalt(token_answer(), refusal(403))
    with pytest.raises(KeyRefused):
        cobalt.client().fetch_applications("é")
    assert len(cobalt.requests) == 2


def test_tokens_that_live_briefly_are_not_refreshed_by_force_for_our_own_calls() -> None:
    cobalt = ScriptedCobalt(token_answer(expires_in=600), answer([]))
    with cobalt.client() as client:
        client.fetch_applications("é")
        client.fetch_applications("é")
    assert cobalt.asked[0] == "POST /api/v2/public/session-token"
    assert len(cobalt.requests) == 3


def test_an_unknown_account_is_said_to_be_unknown_when_its_token_is_minted() -> None:
    cobalt = ScriptedCobalt(refusal(400, "INVALID_LINKED_ACCOUNT_ID"))
    with pytest.raises(UnknownAccount):
        cobalt.client().fetch_applications("é")


@pytest.mark.parametrize("impossible", ["", ".", "..", "\ud800"])
@pytest.mark.parametrize("name", [*ACCOUNT_CALLS, *OTHER_CALLS_FOR_AN_ACCOUNT])
def test_an_id_that_cannot_travel_is_refused_before_anything_is_sent(name: str, impossible: str) -> None:
    cobalt = ScriptedCobalt(answer({}))
    with pytest.raises(InvalidIdentifier, match="linked_account_id") as raised:
        ALL_CALLS[name].call(cobalt.client(), impossible)
    assert isinstance(raised.value, ValueError)
    assert cobalt.requests == []


@pytest.mark.parametrize("slug", ["", ".", ".."])
def test_a_slug_that_cannot_travel_is_refused_too(slug: str) -> None:
    cobalt = ScriptedCobalt(answer({}))
    with pytest.raises(InvalidIdentifier, match="slug"):
        cobalt.client().fetch_application("acme", slug)
    assert cobalt.requests == []


@pytest.mark.parametrize("key", ["", ".", ".."])
@pytest.mark.parametrize("name", ["set_auth_credential", "delete_auth_credential"])
def test_a_credential_s_key_that_cannot_travel_is_refused_too(name: str, key: str) -> None:
    cobalt = ScriptedCobalt(answer({}))
    arguments = ("acme", key, "hunter22") if name == "set_auth_credential" else ("acme", key)
    with pytest.raises(InvalidIdentifier, match="key"):
        getattr(cobalt.client(), name)(*arguments)
    assert cobalt.requests == []


def test_a_slug_that_no_header_carries_cannot_set_a_field() -> None:
    cobalt = ScriptedCobalt(answer({}))
    with pytest.raises(InvalidIdentifier, match="slug"):
        cobalt.client().set_config_field("acme", "é", "f", 1)
    assert cobalt.requests == []


def test_httpx_would_refuse_what_we_say_does_not_fit_or_cobalt_would_read_it_differently() -> None:
    """Why the session token: what becomes of a header that is sent as it is."""
    with pytest.raises(UnicodeEncodeError):
        httpx.Request("GET", "http://x", headers={"linked_account_id": "é"})
    assert "é".encode().decode("latin-1") == "Ã©", "UTF-8 bytes, read as Node reads headers, name another account"


def test_fitting_a_header_is_decided_for_every_character() -> None:
    carried = {chr(code) for code in range(0x300) if fits_header(f"a{chr(code)}b")}
    assert carried == {chr(code) for code in range(0x20, 0x7F)}
    assert not fits_header("")
