"""Linked accounts: created, upserted, read, listed and deleted as Cobalt does it."""

from typing import Any
from urllib.parse import quote

import pytest

from cobalt_mirror.cobalt.sandbox import LeftOut, Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, PUBLIC, Api, TestClock, ok, refused


def test_an_upsert_says_whether_the_account_is_new_and_turns_the_map_into_pairs(api: Api) -> None:
    first = api.upsert("zen", name="Zen", udf={"plan": "gold"})
    second = api.upsert("zen", name="Zen again")

    assert first["new_account"] is True
    assert second["new_account"] is False
    assert second["_id"] == first["_id"]
    assert second["name"] == "Zen again"
    assert [(pair["key_name"], pair["key_value"]) for pair in second["udf"]] == [("plan", "gold")]
    assert second["createdAt"] == "2026-05-04T03:02:01.250Z"
    assert "integrations" not in second


def test_a_user_defined_field_that_stays_keeps_its_id(api: Api, clock: TestClock) -> None:
    first = api.upsert(udf={"plan": "gold", "seats": "5", "old": "x"})["udf"]
    clock.forward(1)
    second = api.upsert(udf={"plan": "free", "seats": "5", "new": "y"})["udf"]

    assert [pair["key_name"] for pair in second] == ["plan", "seats", "new"]
    assert [pair["_id"] for pair in second[:2]] == [pair["_id"] for pair in first[:2]]
    assert second[1] == first[1]
    assert second[0]["createdAt"] == first[0]["createdAt"] < second[0]["updatedAt"] == second[2]["createdAt"]


def test_an_upsert_may_be_nested_and_then_ignores_what_is_flat(api: Api) -> None:
    assert api.upsert("zen", name="flat", payload={"name": "nested"})["name"] == "nested"


@pytest.mark.parametrize(("left_out", "name"), [(LeftOut.KEPT, "Acme"), (LeftOut.CLEARED, None)])
def test_what_an_upsert_leaves_out_is_kept_or_cleared_as_the_switch_says(
    api: Api, sandbox: Sandbox, left_out: LeftOut, name: str | None
) -> None:
    sandbox.change_settings(upsert_left_out=left_out)
    api.upsert("acme", your_app={"auth_credentials": {"token": "s3cret"}})
    api.upsert("acme", udf={})

    row = sandbox.state(secrets=True)["accounts"][0]
    assert row["name"] == name
    assert row["auth_credentials"] == {"token": "s3cret"}


def test_creating_an_account_twice_is_refused(api: Api) -> None:
    created = ok(api("POST", ACCOUNT, json={"account_id": "zen", "name": "Zen"}))
    again = api("POST", ACCOUNT, json={"linked_account_id": "zen"})

    assert created["account_id"] == "zen"
    assert created["integrations"] is None
    assert refused(again) == (400, "LINKED_ACCOUNT_EXISTS")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"linked_account_id": ""},
        {"linked_account_id": "a\nb"},
        {"linked_account_id": 7},
        {"linked_account_id": "a", "account_id": "b"},
        {"linked_account_id": "a", "name": None},
        {"linked_account_id": "a", "name": 7},
        {"linked_account_id": "a", "udf": []},
        {"linked_account_id": "a", "udf": {"n": 1}},
        {"linked_account_id": "a", "your_app": {"auth_credentials": None}},
        {"linked_account_id": "a", "your_app": {"auth_credentials": {"token": 1}}},
        {"linked_account_id": "a", "your_app": None},
        {"linked_account_id": "a", "user_fields": {}},
        ["a"],
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_wrong_body_is_refused_and_changes_nothing(api: Api, sandbox: Sandbox, method: str, body: Any) -> None:
    before = sandbox.state()

    code = "BAD_REQUEST" if body else "INVALID_LINKED_ACCOUNT_ID"
    assert refused(api(method, ACCOUNT, json=body)) == (400, code)
    assert sandbox.state() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"linked_account_id": NaN}', b'{"linked_account_id": "\\ud800"}', b"\xff"]
)
def test_what_is_no_json_is_refused(api: Api, body: bytes) -> None:
    answer = api("PUT", ACCOUNT, content=body, headers={"content-type": "application/json"})

    assert refused(answer) == (400, "BAD_REQUEST")


def test_a_body_of_another_content_type_is_refused(api: Api) -> None:
    assert refused(api("PUT", ACCOUNT, content=b'{"linked_account_id": "a"}')) == (400, "BAD_REQUEST")


def test_reading_shows_integrations_and_an_absent_account_is_404(api: Api) -> None:
    api.consent("slack")

    shown = ok(api("GET", f"{ACCOUNT}/acme"))
    assert [(each["type"], each["reauth_required"]) for each in shown["integrations"]] == [("slack", False)]
    assert refused(api("GET", f"{ACCOUNT}/nobody")) == (404, "SERVER_ERROR")
    assert refused(api("DELETE", f"{ACCOUNT}/nobody")) == (404, "SERVER_ERROR")


def test_deleting_an_account_ends_everything_of_it(api: Api, sandbox: Sandbox) -> None:
    api.consent("slack")
    browser = api.browser()

    ok(api("DELETE", f"{ACCOUNT}/acme"))

    state = sandbox.state()
    assert (state["accounts"], state["connections"], state["configs"]) == ([], [], [])
    api.upsert("acme")
    assert browser.get("/api/v3/org/basics").status_code == 401


def test_the_test_user_can_be_deleted_in_production_only(sandbox: Sandbox, clock: TestClock) -> None:
    test, production = Api(sandbox, clock), Api(sandbox, clock, key="pk_sandbox")
    test.upsert("test_user")
    production.upsert("test_user")

    assert refused(test("DELETE", f"{ACCOUNT}/test_user"))[0] == 400
    ok(production("DELETE", f"{ACCOUNT}/test_user"))
    assert [row["environment"] for row in sandbox.state()["accounts"]] == ["test"]


def test_pages_shift_when_an_account_arrives_or_leaves(api: Api) -> None:
    for n in range(4):
        api.upsert(f"a{n}")

    def page(number: int) -> list[str]:
        docs = ok(api("GET", ACCOUNT, params={"page": number, "limit": 2}))["docs"]
        return [doc["account_id"] for doc in docs]

    assert page(2) == ["a1", "a0"]
    api.upsert("late")
    assert page(2) == ["a2", "a1"]
    ok(api("DELETE", f"{ACCOUNT}/a3"))
    assert page(2) == ["a1", "a0"]


def test_a_page_describes_itself_and_clamps_its_limit(api: Api) -> None:
    for n in range(104):
        api.upsert(f"a{n}")

    first = ok(api("GET", ACCOUNT, params={"limit": "1000"}))
    assert len(first.pop("docs")) == 100
    assert first == {
        "totalDocs": 105,
        "limit": 100,
        "totalPages": 2,
        "page": 1,
        "pagingCounter": 1,
        "hasPrevPage": False,
        "hasNextPage": True,
        "prevPage": None,
        "nextPage": 2,
    }
    assert ok(api("GET", ACCOUNT))["limit"] == 10
    assert ok(api("GET", ACCOUNT, params={"page": 99}))["docs"] == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "limit=0", "limit=1.5", "limit="])
def test_a_page_that_is_no_number_is_refused(api: Api, query: str) -> None:
    assert refused(api("GET", f"{ACCOUNT}?{query}")) == (400, "BAD_REQUEST")


def test_the_listing_leaves_integrations_out_when_switched_so(api: Api, sandbox: Sandbox) -> None:
    assert ok(api("GET", ACCOUNT))["docs"][0]["integrations"] == []
    sandbox.change_settings(listing_carries_integrations=False)
    assert "integrations" not in ok(api("GET", ACCOUNT))["docs"][0]


@pytest.mark.parametrize("linked_account_id", ["a/b", "a b", "a@b.example", "😀 né", "%2F", "a+b&c=d?e#f", "x" * 200])
def test_any_id_travels_in_paths_queries_and_bodies(api: Api, sandbox: Sandbox, linked_account_id: str) -> None:
    api.upsert(linked_account_id)
    shown = ok(api("GET", f"{ACCOUNT}/{quote(linked_account_id, safe='')}"))
    disconnected = ok(api("DELETE", f"{ACCOUNT}/integration/slack", params={"linked_account_id": linked_account_id}))
    browser = api.browser(linked_account_id)
    config = ok(browser.post(f"{PUBLIC}/config", json={"slug": "slack"}))

    assert shown["account_id"] == disconnected["account_id"] == config["config_id"] == linked_account_id
    path = f"{PUBLIC}/slug/slack/config/{quote(linked_account_id, safe='')}"
    assert ok(browser.get(path)) == config
    ok(api("DELETE", f"{ACCOUNT}/{quote(linked_account_id, safe='')}"))
    assert [row["linked_account_id"] for row in sandbox.state()["accounts"]] == ["acme"]
