"""What a host in any language reads of the mirror over HTTP: the same as the functions of our package return."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.reads import count_pending
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import EVENTS_TOKEN, Endpoints
from tests.world import World

BEARER = {"authorization": f"Bearer {EVENTS_TOKEN}"}
#: An id that a host may have: it must come through the path unchanged.
ODD = "Übel & Söhne/50%25 off? #1+2"


def get(endpoints: Endpoints, path: str, *, status: int = 200) -> Any:
    answer = endpoints.request("GET", path, headers=BEARER)
    assert answer.status_code == status, answer.text
    return answer.json()


def connect_slack(world: World, account: str) -> None:
    world.publish(UserSignedUp(account, name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    world.catalogue.refresh()
    world.sandbox.connect(account, "slack")
    world.publish(ConnectionAuthorized(account, "slack"))
    world.work_until_quiet()


def set_up_stripe(world: World, account: str) -> None:
    """Set up an application with a password."""
    world.sandbox.connect(account, "stripe", auth_type="keybased")
    world.publish(ConnectionAuthorized(account, "stripe"))
    world.publish(ConfigChanged(account, "stripe", fields={"signing_secret": "hunter2", "currency": "eur"}))
    world.work_until_quiet()


def test_everything_about_a_customer_is_read_by_an_id_of_any_letters(endpoints: Endpoints) -> None:
    connect_slack(endpoints.world, ODD)
    set_up_stripe(endpoints.world, ODD)
    path = f"/accounts/{quote(ODD, safe='')}"

    account = get(endpoints, path)
    assert (account["linked_account_id"], account["name"], account["udf"]) == (ODD, "Acme", {"plan": "pro"})
    assert account["status"] == endpoints.world.row("linked_accounts")["status"] == "active"
    connections = get(endpoints, f"{path}/connections")["connections"]
    assert [(each["slug"], each["status"]) for each in connections] == [("slack", "connected"), ("stripe", "connected")]
    assert [each["auth_type"] for connection in connections for each in connection["accounts"]] == [
        "oauth2",
        "keybased",
    ]
    (config,) = get(endpoints, f"{path}/configs?slug=stripe")["configs"]
    assert config["fields"] == {"currency": "eur"}
    assert get(endpoints, f"{path}/configs")["configs"][-1] == config
    assert get(endpoints, f"{path}/configs?slug=jira") == {"configs": []}
    seen = get(endpoints, f"{path}/integrations")
    assert {each["slug"]: each["state"] for each in seen["integrations"]}["slack"] == "connected"
    assert seen["pending"] == 0
    assert {each["slug"] for each in seen["integrations"]} == {
        each["slug"] for each in get(endpoints, "/applications")["applications"]
    }
    answers = [endpoints.request("GET", f"{path}{part}", headers=BEARER).text for part in ("/configs", "/history")]
    assert "hunter2" not in "".join(answers)


def test_the_history_comes_in_pages_newest_first(endpoints: Endpoints) -> None:
    connect_slack(endpoints.world, "acme")
    stored = [row["number"] for row in endpoints.world.rows("history", linked_account_id="acme")]

    pages, query = [], ""
    while True:
        page = get(endpoints, f"/accounts/acme/history?limit=2{query}")
        pages.append([each["number"] for each in page["history"]])
        if page["before"] is None:
            break
        query = f"&before={page['before']}"

    assert len(stored) > 2
    assert [number for page in pages for number in page] == stored[::-1]
    assert {len(page) for page in pages[:-1]} == {2}
    assert get(endpoints, f"/accounts/acme/history?limit={len(stored)}")["before"] is None


PATHS = ["/accounts/{}", *(f"/accounts/{{}}/{part}" for part in ("integrations", "connections", "configs", "history"))]


def test_an_account_that_the_mirror_does_not_have_is_said_to_be_missing(endpoints: Endpoints) -> None:
    for path in PATHS:
        unknown = get(endpoints, path.format("nobody%2F1"), status=404)
        assert unknown == {"error": "the mirror does not have the account 'nobody/1'; publish user_signed_up"}
        for unreadable in ("%ff", "a%00b"):
            error = get(endpoints, path.format(unreadable), status=400)["error"]
            assert error == "the account's id in the path must be UTF-8 without NUL, percent-encoded"


def test_every_read_wants_the_token_of_the_host(endpoints: Endpoints) -> None:
    for path in [*PATHS, "/applications"]:
        answer = endpoints.request("GET", path.format("acme"))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_without_a_token_in_the_settings_the_reads_are_disabled(make_world: Callable[..., World]) -> None:
    world = make_world()
    endpoints = Endpoints(world, create_app(world.settings, engine=world.engine, clock=world.clock))

    answer = endpoints.request("GET", "/accounts/acme", headers=BEARER)
    assert answer.status_code == 403
    assert "EVENTS_TOKEN is not set" in answer.json()["error"]


def test_a_page_that_waits_is_right_as_soon_as_the_event_is_carried_out(endpoints: Endpoints) -> None:
    world = endpoints.world
    connect_slack(world, "acme")
    world.sandbox.connect("acme", "notion")
    world.publish(ConnectionAuthorized("acme", "notion"))

    async def waiting() -> httpx.Response:
        transport = httpx.ASGITransport(endpoints.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
            path = "/accounts/acme/integrations?wait=10"
            request = asyncio.create_task(client.get(path, headers=BEARER))
            while not endpoints.waiting("/accounts/{account_id}/integrations"):
                await asyncio.sleep(0.01)
            await asyncio.to_thread(world.work_until_quiet)
            return await request

    at_once = get(endpoints, "/accounts/acme/integrations")
    answer = asyncio.run(waiting()).json()
    assert at_once["pending"] == 1
    assert {each["slug"]: each["state"] for each in at_once["integrations"]}["notion"] == "connect"
    assert answer["pending"] == 0
    assert {each["slug"]: each["state"] for each in answer["integrations"]}["notion"] == "connected"


def test_a_new_customer_s_page_is_shown_while_the_sign_up_is_pending(endpoints: Endpoints) -> None:
    connect_slack(endpoints.world, "acme")
    endpoints.world.publish(UserSignedUp("bolt"))

    page = get(endpoints, "/accounts/bolt/integrations")
    assert page["pending"] == 1
    assert {each["state"] for each in page["integrations"]} == {"connect"}


def answer_in_time(endpoints: Endpoints) -> Any:
    """Ask for integrations and be ready to wait; fail if the answer takes as long as that."""

    async def ask() -> Any:
        transport = httpx.ASGITransport(endpoints.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
            return (await client.get("/accounts/acme/integrations?wait=10", headers=BEARER)).json()

    return asyncio.run(asyncio.wait_for(ask(), 9))


def test_an_event_that_waits_for_a_retry_holds_no_page_up_and_is_still_said_to_be_pending(endpoints: Endpoints) -> None:
    world = endpoints.world
    connect_slack(world, "acme")
    world.publish(ConnectionAuthorized("acme", "notion"))
    world.work()  # Cobalt does not show it, so it is looked for again later
    assert world.rows("events", status="pending")[0]["due_at"] > world.clock() + timedelta(seconds=1)

    assert answer_in_time(endpoints)["pending"] == 1


def test_an_event_that_nobody_carries_out_holds_pages_up_for_half_a_minute_only(endpoints: Endpoints) -> None:
    world = endpoints.world
    connect_slack(world, "acme")
    world.publish(ConnectionAuthorized("acme", "notion"))
    due_at = world.rows("events", status="pending")[0]["due_at"]

    moments = [due_at + timedelta(seconds=seconds) for seconds in (-0.001, 0, 30, 30.001)]
    with reading(world.engine).begin() as connection:
        counted = [count_pending(connection, "acme", now=moment) for moment in moments]
    assert [(each.all, each.soon) for each in counted] == [(1, 0), (1, 1), (1, 1), (1, 0)]
    world.clock.pass_time(31)
    assert answer_in_time(endpoints)["pending"] == 1
