"""Session tokens over HTTP: minted at the sandbox, kept for a while, and refused in words and statuses of HTTP."""

from http import HTTPStatus

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox.faults import Answer, Fault
from cobalt_mirror.events import UserDeleted, UserSignedUp
from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import EVENTS_TOKEN, Endpoints
from tests.world import World


def post(endpoints: Endpoints, account: str = "acme", query: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {EVENTS_TOKEN}"}
    return endpoints.request("POST", f"/accounts/{account}/token{query}", headers=headers)


def sign_up(world: World, *accounts: str) -> None:
    world.publish(*(UserSignedUp(account) for account in accounts))
    world.work_until_quiet()
    world.calls()


def test_a_token_is_good_for_the_account_and_kept_for_the_next_page(endpoints: Endpoints) -> None:
    world = endpoints.world
    sign_up(world, "a/1")

    first, second, anew = (post(endpoints, "a%2F1", query) for query in ("", "", "?anew=true"))
    assert first.status_code == 200
    assert first.json() == second.json()
    assert first.json().keys() == {"token", "expires_at", "base_url"}
    assert first.json()["base_url"] == "http://sandbox.test"
    assert first.headers["cache-control"] == "no-store"
    assert anew.json()["token"] != first.json()["token"]
    assert world.calls() == ["session_token", "session_token"]
    assert first.json()["token"] not in world.everything_stored()
    calls = world.rows("calls", linked_account_id="a/1")[-2:]
    assert [(call["because"], call["status"]) for call in calls] == [({"web": "session token"}, 200)] * 2


def test_an_account_that_cobalt_lacks_is_missing_or_is_made_if_asked_for(endpoints: Endpoints) -> None:
    missing = post(endpoints)
    assert missing.status_code == 404
    assert "publish user_signed_up, or ask with ensure=true" in missing.json()["error"]
    assert endpoints.world.sandbox.state()["accounts"] == []

    assert post(endpoints, query="?ensure=true").status_code == 200
    assert [row["linked_account_id"] for row in endpoints.world.sandbox.state()["accounts"]] == ["acme"]


@pytest.mark.parametrize(
    ("account", "rule"),
    [
        ("%20", "must not be blank"),
        ("x" * 201, "String should have at most 200 characters"),
        ("a%0Ab", "must not contain control characters or lone surrogates"),
        ("%2E%2E", "must not be . or .., which name folders in a path"),
    ],
)
def test_an_account_that_no_event_could_delete_is_not_made(endpoints: Endpoints, account: str, rule: str) -> None:
    refused = post(endpoints, account, "?ensure=true")

    assert (refused.status_code, refused.json()) == (400, {"error": f"the account's id in the path: {rule}"})
    assert endpoints.world.calls() == []
    assert endpoints.world.sandbox.state()["accounts"] == []


@pytest.mark.parametrize("is_there", [True, False])
def test_neither_a_wrong_answer_nor_a_new_account_costs_a_customer_name_and_udf(
    endpoints: Endpoints, is_there: bool
) -> None:
    world = endpoints.world
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    world.sandbox.change_settings(upsert_left_out="cleared")
    if is_there:
        world.sandbox.add_faults(
            Fault(route="session_token", times=1, status=HTTPStatus.BAD_REQUEST, error="INVALID_LINKED_ACCOUNT_ID")
        )
    else:
        world.client.delete_account("acme")
    world.calls()

    assert post(endpoints, query="?ensure=true").status_code == 200
    (account,) = world.sandbox.state()["accounts"]
    assert (account["name"], account["udf"]) == ("Acme", {"plan": "pro"})
    made = [] if is_there else ["upsert_account"]
    assert world.calls() == ["session_token", "read_account", *made, "session_token"]


@pytest.mark.parametrize("is_done", [False, True])
def test_a_customer_who_leaves_or_left_gets_none_and_is_not_made_anew(endpoints: Endpoints, is_done: bool) -> None:
    world = endpoints.world
    sign_up(world, "acme")
    world.publish(UserDeleted("acme"))
    if is_done:
        world.work_until_quiet()
    world.calls()

    refused = post(endpoints, query="?ensure=true")
    assert refused.status_code == 409
    assert ("is deleted" if is_done else "is being deleted") in refused.json()["error"]
    assert world.calls() == []

    world.publish(UserSignedUp("acme"))
    world.work_until_quiet()
    assert post(endpoints).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        (Fault(answer=Answer.THROTTLE), 503, "1"),
        (Fault(), 503, "5"),
        (Fault(answer=Answer.HTML, status=HTTPStatus.OK), 503, "5"),
        (Fault(status=HTTPStatus.UNAUTHORIZED), 502, None),
    ],
    ids=["throttled", "failed", "a proxy's page", "the key is refused"],
)
def test_what_cobalt_refuses_is_said_with_when_to_ask_again(
    endpoints: Endpoints, fault: Fault, status: int, retry_after: str | None
) -> None:
    sign_up(endpoints.world, "acme")
    endpoints.world.sandbox.add_faults(fault)

    refused = post(endpoints)
    assert (refused.status_code, refused.headers.get("retry-after")) == (status, retry_after)
    assert "session-token" in refused.json()["error"]
    assert "tk_sandbox" not in refused.text


def test_parameters_and_the_token_of_the_host_are_checked_before_anything_is_asked(endpoints: Endpoints) -> None:
    wrong = post(endpoints, query="?ensure=1")
    assert (wrong.status_code, wrong.json()) == (400, {"error": "ensure: must be true or false, not '1'"})
    assert endpoints.request("POST", "/accounts/acme/token").status_code == 401
    assert endpoints.world.calls() == []


def test_without_a_key_tokens_are_disabled_and_everything_else_is_served(world: World) -> None:
    settings = world.settings.model_copy(update={"cobalt_api_key": type(world.settings.cobalt_api_key)("")})
    endpoints = Endpoints(world, create_app(settings, engine=world.engine, clock=world.clock))

    refused = post(endpoints)
    assert refused.status_code == 403
    assert "COBALT_API_KEY is not set" in refused.json()["error"]
    assert endpoints.request("GET", "/healthz").status_code == 200
