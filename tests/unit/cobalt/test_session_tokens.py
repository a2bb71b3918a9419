"""Session tokens are reused while they are young and live long enough, and never after they were given up."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from cobalt_mirror.cobalt import CobaltError, ServerError, SessionToken, UnexpectedAnswer, UnknownAccount
from cobalt_mirror.cobalt.token_cache import TokenCache
from tests.unit.cobalt.scripted import NOON, ScriptedCobalt, account_answer, answer, refusal, token_answer

UNKNOWN = refusal(400, "INVALID_LINKED_ACCOUNT_ID")
MINT = "POST /api/v2/public/session-token"
FORCE = "POST /api/v2/public/session-token?force_refresh=true"
UPSERT = "PUT /api/v2/public/linked-account"
READ = "GET /api/v2/public/linked-account/acme"


def test_a_token_tells_when_it_ends_and_hides_itself() -> None:
    token = ScriptedCobalt(token_answer("secret", expires_in=7200)).client().session_token("acme")
    assert token.token == "secret"
    assert token.expires_at == NOON + timedelta(hours=2)
    assert token.refresh_expires_at == NOON + timedelta(days=2)
    assert "secret" not in f"{token!r} {token}"


def test_a_token_is_reused_for_five_minutes_and_no_longer() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), token_answer("two"))
    client = cobalt.client()
    assert client.session_token("acme").token == "one"
    cobalt.clock.advance(timedelta(minutes=5))
    assert client.session_token("acme").token == "one"
    cobalt.clock.advance(timedelta(microseconds=1))
    assert client.session_token("acme").token == "two"
    assert cobalt.asked == [MINT, MINT]


def test_how_long_a_token_is_reused_is_an_argument() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), token_answer("two"))
    client = cobalt.client()
    client.session_token("acme")
    cobalt.clock.advance(timedelta(minutes=30))
    assert client.session_token("acme", reuse_for=timedelta(hours=1)).token == "one"
    assert client.session_token("acme", reuse_for=timedelta(minutes=1)).token == "two"


def test_a_token_that_ends_within_the_hour_is_not_reused() -> None:
    cobalt = ScriptedCobalt(token_answer("one", expires_in=3660), token_answer("two"))
    client = cobalt.client()
    assert client.session_token("acme").token == "one"
    cobalt.clock.advance(timedelta(seconds=61))
    assert client.session_token("acme", min_left=timedelta(minutes=10)).token == "one"
    assert client.session_token("acme").token == "two"


def test_a_fresh_token_that_ends_too_soon_is_refreshed_by_force_once() -> None:
    cobalt = ScriptedCobalt(token_answer("old", expires_in=600), token_answer("new"))
    assert cobalt.client().session_token("acme").token == "new"
    assert cobalt.asked == [MINT, FORCE]


def test_a_token_that_ends_too_soon_even_then_is_returned_as_it_is() -> None:
    cobalt = ScriptedCobalt(token_answer("old", expires_in=600), token_answer("new", expires_in=900))
    token = cobalt.client().session_token("acme")
    assert token.token == "new"
    assert token.expires_at == NOON + timedelta(minutes=15)
    assert cobalt.asked == [MINT, FORCE]


def test_a_clock_that_was_set_back_makes_no_token_younger() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), token_answer("two"))
    client = cobalt.client()
    client.session_token("acme")
    cobalt.clock.advance(timedelta(minutes=-1))
    assert client.session_token("acme").token == "two"


def test_every_account_has_a_token_of_its_own() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), token_answer("two"))
    client = cobalt.client()
    assert client.session_token("acme").token == "one"
    assert client.session_token("globex").token == "two"
    assert client.session_token("acme").token == "one"


def test_a_forced_refresh_replaces_the_token_in_hand() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), token_answer("two"))
    client = cobalt.client()
    client.session_token("acme")
    assert client.session_token("acme", force_refresh=True).token == "two"
    assert client.session_token("acme").token == "two"
    assert cobalt.asked == [MINT, FORCE]


def test_a_forced_refresh_that_fails_leaves_no_token_in_hand() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), UNKNOWN)
    client = cobalt.client()
    client.session_token("acme")
    for force_refresh in (True, False):
        with pytest.raises(UnknownAccount):
            client.session_token("acme", force_refresh=force_refresh)


def test_a_revoked_token_is_not_handed_out_again() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), answer({"success": True, "revoked_count": 1}), token_answer("two"))
    client = cobalt.client()
    assert client.revoke_session_token(client.session_token("acme").token) == 1
    assert client.session_token("acme").token == "two"


@pytest.mark.parametrize("token", ["expired", "not\na token"])
def test_revoking_what_is_no_token_any_more_ends_nothing(token: str) -> None:
    assert ScriptedCobalt(refusal(401)).client().revoke_session_token(token) == 0


def test_deleting_an_account_forgets_its_token() -> None:
    cobalt = ScriptedCobalt(token_answer("one"), answer({"message": "deleted"}), UNKNOWN)
    client = cobalt.client()
    client.session_token("acme")
    client.delete_account("acme")
    with pytest.raises(UnknownAccount):
        client.session_token("acme")


def test_an_unknown_account_is_an_error_and_is_not_created() -> None:
    cobalt = ScriptedCobalt(UNKNOWN)
    with pytest.raises(UnknownAccount):
        cobalt.client().session_token("acme")
    assert cobalt.asked == [MINT]


def test_an_account_that_its_own_read_denies_too_is_created_when_that_is_asked_for() -> None:
    cobalt = ScriptedCobalt(UNKNOWN, UNKNOWN, account_answer(new_account=True), token_answer())
    assert cobalt.client().session_token("acme", ensure=True, name="Acme", udf={"plan": "pro"}).token == "token-1"
    assert cobalt.asked == [MINT, READ, UPSERT, MINT]
    assert json.loads(cobalt.requests[2].content) == {
        "linked_account_id": "acme",
        "name": "Acme",
        "udf": {"plan": "pro"},
    }


def test_an_account_that_one_answer_denies_is_never_upserted() -> None:
    cobalt = ScriptedCobalt(UNKNOWN, account_answer(), token_answer())
    assert cobalt.client().session_token("acme", ensure=True).token == "token-1"
    assert cobalt.asked == [MINT, READ, MINT]


@pytest.mark.parametrize(
    ("answers", "error"),
    [((UNKNOWN, refusal(500)), ServerError), ((UNKNOWN, account_answer(), UNKNOWN), UnknownAccount)],
    ids=["the read fails", "Cobalt contradicts itself"],
)
def test_an_account_of_which_nothing_is_sure_is_not_upserted(
    answers: tuple[httpx.Response, ...], error: type[CobaltError]
) -> None:
    cobalt = ScriptedCobalt(*answers)
    with pytest.raises(error):
        cobalt.client().session_token("acme", ensure=True)
    assert UPSERT not in cobalt.asked


def test_a_known_account_is_never_upserted() -> None:
    cobalt = ScriptedCobalt(token_answer())
    cobalt.client().session_token("acme", ensure=True)
    assert cobalt.asked == [MINT]


@pytest.mark.parametrize("broken", [{"token": "t"}, {"expires_in": 1}, {"token": "two lines\n", "expires_in": 1}])
def test_a_token_without_its_parts_is_unexpected_and_not_repeated_in_the_error(broken: dict[str, object]) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        ScriptedCobalt(answer(broken)).client().session_token("acme")
    assert "two lines" not in str(raised.value)


def _token(text: str) -> SessionToken:
    return SessionToken(token=text, expires_at=NOON + timedelta(days=1))


def _find(cache: TokenCache, linked_account_id: str) -> SessionToken | None:
    return cache.find(linked_account_id, now=NOON, reuse_for=timedelta(minutes=5), min_left=timedelta(hours=1))


def test_the_cache_holds_no_more_than_its_capacity() -> None:
    cache = TokenCache(capacity=2)
    for each in ("a", "b", "c"):
        cache.keep(each, _token(each), minted_at=NOON, mark=cache.mark())
    assert _find(cache, "a") is None
    assert [found.token for found in (_find(cache, "b"), _find(cache, "c")) if found] == ["b", "c"]


def test_a_token_asked_for_before_a_revocation_is_not_kept_after_it() -> None:
    cache = TokenCache()
    mark = cache.mark()
    cache.drop_token("a")
    cache.keep("acme", _token("a"), minted_at=NOON, mark=mark)
    assert _find(cache, "acme") is None
