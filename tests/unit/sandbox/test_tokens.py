"""Session tokens: reused, refreshed, counted down, revoked."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import PUBLIC, Api, TestClock, ok, refused

TOKEN = f"{PUBLIC}/session-token"


def issue(api: Api, **query: str) -> Any:
    return ok(api("POST", TOKEN, params=query, json={"linked_account_id": "acme"}))


def test_a_valid_token_is_reused_and_counts_down(api: Api, clock: TestClock) -> None:
    first = issue(api)
    clock.forward(3600)
    second = issue(api)

    assert first["expires_in"] == 86_400
    assert second == {**first, "expires_in": 82_800, "refresh_expires_in": first["refresh_expires_in"] - 3600}


def test_a_forced_refresh_or_an_expired_token_gives_a_new_one(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    sandbox.change_settings(token_lifetime_seconds=60)
    first = issue(api)
    forced = issue(api, force_refresh="true")
    clock.forward(60)

    assert len({first["token"], forced["token"], issue(api)["token"]}) == 3
    assert forced["expires_in"] == 60


def test_an_expired_or_revoked_token_opens_nothing(api: Api, clock: TestClock) -> None:
    browser = api.browser()
    assert browser.get("/api/v3/org/basics").status_code == 200
    assert ok(browser.post(f"{TOKEN}/revoke")) == {"success": True, "revoked_count": 1}
    assert browser.get("/api/v3/org/basics").status_code == 401
    assert browser.post(f"{TOKEN}/revoke").status_code == 401

    browser = api.browser()
    clock.forward(86_400)
    assert browser.get("/api/v3/org/basics").status_code == 401


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"linked_account_id": "nobody"}, (400, "INVALID_LINKED_ACCOUNT_ID")),
        ({}, (400, "SERVER_ERROR")),
        ({"linked_account_id": "acme", "force": True}, (400, "BAD_REQUEST")),
    ],
)
def test_a_wrong_request_for_a_token_is_refused(api: Api, body: Any, refusal: tuple[int, str]) -> None:
    assert refused(api("POST", TOKEN, json=body)) == refusal


def test_forcing_takes_true_or_false_only(api: Api) -> None:
    answer = api("POST", TOKEN, params={"force_refresh": "1"}, json={"linked_account_id": "acme"})
    assert refused(answer) == (400, "BAD_REQUEST")
