"""The application of which an account may hold several connections, each with an id and configs of its own."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import CONFIG, INTEGRATION, PUBLIC, Api, TestClock, ok, refused

XERO = f"{PUBLIC}/slug/xero/config"
KEYS = {"client_key": "k", "client_secret": "s"}
OURS, PARTNERS = "65a4f0c1d2e3b4a5968778a1", "65a4f0c1d2e3b4a5968778a2"


def consent(api: Api, **query: str) -> int:
    address = ok(api("GET", f"{INTEGRATION}/oauth-url/xero", params=query))["auth_url"]
    form = dict(api.http.build_request("GET", address).url.params)
    return api.http.post("/consent", data=form).status_code


def save(api: Api, **about: Any) -> Any:
    return api("PUT", f"{INTEGRATION}/save-key-credentials/xero", json={**KEYS, **about})


def connected(api: Api) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = api.application("xero")["connected_accounts"]
    return shown


def disconnect(api: Api, slug: str = "xero", **query: str) -> Any:
    return api("DELETE", f"{INTEGRATION}/{slug}", params={"linked_account_id": "acme", **query})


def two(sandbox: Sandbox) -> tuple[str, str]:
    first, second = sandbox.connect("acme", "xero"), sandbox.connect("acme", "xero")
    assert first is not None
    assert second is not None
    return first, second


def test_only_this_application_says_that_it_has_several(api: Api) -> None:
    shown = ok(api("GET", f"{PUBLIC}/application"))

    assert {each["slug"]: each.get("has_multi_auth_enabled") for each in shown if "has_multi_auth_enabled" in each} == {
        "xero": True
    }


def test_connecting_opens_another_connection_each_time(api: Api, sandbox: Sandbox) -> None:
    assert consent(api) == 200
    assert consent(api, auth_profile_id=PARTNERS, user_defined_fields='{"company": "North"}') == 200
    ok(save(api, user_defined_fields={"company": "South"}))

    shown = connected(api)
    assert [(each["auth_type"], each["auth_profile_id"], each["auth_profile_name"]) for each in shown] == [
        ("oauth2", OURS, "Our app"),
        ("oauth2", PARTNERS, "Partner app"),
        ("keybased", OURS, "Our app"),
    ]
    assert [each["user_defined_fields"] for each in shown] == [{}, {"company": "North"}, {"company": "South"}]
    assert len({each["connection_id"] for each in shown}) == 3
    assert all(len(each["connection_id"]) == 24 for each in shown)
    assert len({each["identifier"] for each in shown}) == 3
    assert set(shown[0]) == {
        "identifier",
        "auth_type",
        "connectedAt",
        "status",
        "connection_id",
        "auth_profile_id",
        "auth_profile_name",
        "user_defined_fields",
    }
    (row,) = sandbox.state()["connections"]
    assert {each["connection_id"] for each in row["accounts"]} == {each["connection_id"] for each in shown}


def test_connecting_with_a_connection_id_authorizes_the_same_one_again(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    first, second = two(sandbox)
    sandbox.expire_connection("acme", "xero", connection_id=first)
    clock.forward(60)

    assert consent(api, connection_id=first, user_defined_fields='{"company": "North"}') == 200
    shown = {each["connection_id"]: each for each in connected(api)}
    assert list(shown) == [first, second]
    assert (shown[first]["status"], shown[first]["connectedAt"]) == ("active", "2026-05-04T03:03:01.250Z")
    assert shown[first]["user_defined_fields"] == {"company": "North"}
    assert shown[second]["connectedAt"] == "2026-05-04T03:02:01.250Z"
    assert [effect.detail["connection_id"] for effect in sandbox.effects(kind="reconnected")] == [first]


def test_a_connection_is_a_new_one_after_a_disconnect(api: Api, sandbox: Sandbox) -> None:
    first = sandbox.connect("acme", "xero")
    ok(disconnect(api))
    second = sandbox.connect("acme", "xero")

    assert first != second
    assert refused(api("GET", f"{INTEGRATION}/oauth-url/xero", params={"connection_id": str(first)}))[0] == 404


def test_a_connection_that_goes_before_the_consent_is_not_connected(api: Api, sandbox: Sandbox) -> None:
    first, _ = two(sandbox)
    address = ok(api("GET", f"{INTEGRATION}/oauth-url/xero", params={"connection_id": first}))["auth_url"]
    sandbox.disconnect("acme", "xero", connection_id=first)
    form = dict(api.http.build_request("GET", address).url.params)

    assert api.http.post("/consent", data=form).status_code == 404
    assert len(connected(api)) == 1


def test_what_does_not_fit_the_connection_is_refused(api: Api, sandbox: Sandbox) -> None:
    first, _ = two(sandbox)

    assert refused(save(api, connection_id="nosuch"))[0] == 404
    assert refused(save(api, connection_id=first))[0] == 400  # connects by oauth2
    assert refused(save(api, auth_profile_id="nosuch"))[0] == 400
    assert refused(save(api, user_defined_fields="text"))[0] == 400
    wrong = api("GET", f"{INTEGRATION}/oauth-url/xero", params={"user_defined_fields": "[]"})
    assert refused(wrong)[0] == 400
    assert len(connected(api)) == 2


@pytest.mark.parametrize(
    "about", [{"connection_id": "6a3134fdc71d10070e78923e"}, {"auth_profile_id": OURS}, {"user_defined_fields": {}}]
)
def test_an_application_that_connects_once_takes_none_of_it(api: Api, sandbox: Sandbox, about: dict[str, Any]) -> None:
    answer = api("PUT", f"{INTEGRATION}/save-key-credentials/stripe", json={"secret_key": "x", **about})

    assert refused(answer) == (400, "BAD_REQUEST")
    assert sandbox.state()["connections"] == []


def test_disconnecting_one_of_several_needs_its_id(api: Api, sandbox: Sandbox) -> None:
    first, second = two(sandbox)

    assert refused(disconnect(api))[0] == 400
    assert refused(disconnect(api, auth_type="oauth2"))[0] == 400
    assert refused(disconnect(api, connection_id="nosuch"))[0] == 404
    assert refused(disconnect(api, connection_id=first, auth_type="keybased"))[0] == 400
    assert len(connected(api)) == 2
    ok(disconnect(api, connection_id=first))
    assert [each["connection_id"] for each in connected(api)] == [second]
    assert ok(disconnect(api))["integrations"] == []
    assert ok(disconnect(api))["integrations"] == []
    assert refused(disconnect(api, slug="slack", connection_id=first))[0] == 400


def test_an_auth_type_that_only_one_has_is_enough_to_disconnect_it(api: Api, sandbox: Sandbox) -> None:
    first, second = two(sandbox)
    third = sandbox.connect("acme", "xero", auth_type="keybased")
    ok(disconnect(api, auth_type="keybased"))

    assert [effect.detail["connection_id"] for effect in sandbox.effects(kind="disconnected")] == [third]
    assert [each["connection_id"] for each in connected(api)] == [first, second]


def test_each_connection_has_its_own_config_of_one_id(api: Api, sandbox: Sandbox) -> None:
    first, second = two(sandbox)
    for connection_id in (first, second):
        made = ok(api("POST", CONFIG, json={"slug": "xero", "connection_id": connection_id}))
        assert (made["config_id"], made["connection_id"]) == ("acme", connection_id)
        body = {"slug": "xero", "connection_id": connection_id, "fields": {"account_code": connection_id}}
        assert ok(api("PUT", CONFIG, json=body))["connection_id"] == connection_id

    def code(connection_id: str) -> Any:
        return ok(api("GET", XERO, params={"connection_id": connection_id}))["fields"][0]["value"]

    assert (code(first), code(second)) == (first, second)
    listed = ok(api("GET", f"{XERO}s"))
    assert [(each["config_id"], each["connection_id"]) for each in listed] == [("acme", first), ("acme", second)]
    assert ok(api("GET", f"{XERO}s", params={"connection_id": second})) == listed[1:]
    ok(
        api(
            "PATCH",
            f"{XERO}/acme/workflows/xero_push_invoices",
            params={"connection_id": first},
            json={"enabled": True},
        )
    )
    where: dict[str, Any] = {"params": {"connection_id": second}, "headers": {"slug": "xero"}}
    ok(api("PUT", f"{CONFIG}/field/tax_type", json={"value": "input"}, **where))
    rows = {row["connection_id"]: row for row in sandbox.state()["configs"]}
    assert rows[first]["workflows"][0]["enabled"] is True
    assert rows[first]["fields"] == {"account_code": first}
    assert rows[second]["workflows"][0]["enabled"] is False
    assert rows[second]["fields"] == {"account_code": second, "tax_type": "input"}
    ok(api("DELETE", f"{XERO}/acme", params={"connection_id": first}))
    assert [row["connection_id"] for row in sandbox.state()["configs"]] == [second]


def test_a_connection_takes_its_own_configs_along(api: Api, sandbox: Sandbox) -> None:
    first, second = two(sandbox)
    for connection_id in (first, second):
        for config_id in ("acme", "second"):
            ok(api("POST", CONFIG, json={"slug": "xero", "config_id": config_id, "connection_id": connection_id}))

    ok(disconnect(api, connection_id=first))
    assert [(row["config_id"], row["connection_id"]) for row in sandbox.state()["configs"]] == [
        ("acme", second),
        ("second", second),
    ]
    ok(disconnect(api))
    assert sandbox.state()["configs"] == []


def test_calls_about_configs_need_a_connection_that_is_there(api: Api, sandbox: Sandbox) -> None:
    first, _ = two(sandbox)
    ok(api("POST", CONFIG, json={"slug": "xero", "connection_id": first}))
    before = sandbox.state()
    in_body = [("POST", {"slug": "xero"}), ("PUT", {"slug": "xero"})]
    in_query: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", XERO, {}),
        ("GET", f"{XERO}/acme", {}),
        ("DELETE", XERO, {}),
        ("DELETE", f"{XERO}/acme", {}),
        ("PATCH", f"{XERO}/acme/workflows/xero_push_invoices", {"json": {"enabled": True}}),
        ("POST", f"{CONFIG}/field", {"headers": {"slug": "xero"}}),
        ("POST", f"{CONFIG}/field/tax_type", {"headers": {"slug": "xero"}}),
        ("PUT", f"{CONFIG}/field/tax_type", {"headers": {"slug": "xero"}, "json": {"value": "input"}}),
        ("DELETE", f"{CONFIG}/field/tax_type", {"headers": {"slug": "xero"}}),
    ]

    for method, body in in_body:
        assert refused(api(method, CONFIG, json=body))[0] == 400
        assert refused(api(method, CONFIG, json={**body, "connection_id": "nosuch"}))[0] == 404
    for method, path, rest in in_query:
        assert refused(api(method, path, **rest))[0] == 400, path
        assert refused(api(method, path, params={"connection_id": ""}, **rest))[0] == 400, path
        assert refused(api(method, path, params={"connection_id": "nosuch"}, **rest))[0] == 404, path
    assert sandbox.state() == before


def test_other_applications_refuse_a_connection_in_calls_about_configs(api: Api) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    query: dict[str, Any] = {"params": {"connection_id": "6a3134fdc71d10070e78923e"}}
    slack = f"{PUBLIC}/slug/slack/config"

    assert refused(api("POST", CONFIG, json={"slug": "slack", "connection_id": "x"}))[0] == 400
    assert refused(api("GET", slack, **query))[0] == 400
    assert refused(api("GET", f"{slack}s", **query))[0] == 400
    assert refused(api("DELETE", slack, **query))[0] == 400
    assert "connection_id" not in ok(api("GET", slack))
    assert set(ok(api("GET", f"{slack}s"))[0]) == {"_id", "config_id"}


def test_each_connection_that_goes_is_notified(api: Api, sandbox: Sandbox) -> None:
    body = {"webhook_url": "https://host.example/hook", "webhook_events": ["Connection Deleted"]}
    ok(api("POST", f"{PUBLIC}/webhook", json=body))
    first, _ = two(sandbox)
    sandbox.connect("acme", "xero")

    ok(disconnect(api, connection_id=first))
    assert len(sandbox.take_notifications()) == 1
    sandbox.disconnect("acme", "xero")
    assert len(sandbox.take_notifications()) == 2


def test_by_hand_all_connections_or_one(api: Api, sandbox: Sandbox) -> None:
    first, second = two(sandbox)
    ok(api("POST", CONFIG, json={"slug": "xero", "connection_id": first}))

    def statuses() -> dict[str, str]:
        return {each["connection_id"]: each["status"] for each in connected(api)}

    sandbox.expire_connection("acme", "xero", connection_id=second)
    assert statuses() == {first: "active", second: "expired"}
    sandbox.expire_connection("acme", "xero")
    sandbox.recover_connection("acme", "xero", connection_id=first)
    assert statuses() == {first: "active", second: "expired"}
    assert sandbox.connect("acme", "xero", connection_id=second, auth_profile_id=PARTNERS) == second
    assert statuses() == {first: "active", second: "active"}
    sandbox.edit_config("acme", "xero", connection_id=first, fields={"account_code": "200"})
    assert sandbox.state()["configs"][0]["fields"] == {"account_code": "200"}
    with pytest.raises(ValueError):
        sandbox.edit_config("acme", "xero", fields={"account_code": "200"})
    with pytest.raises(LookupError):
        sandbox.delete_config("acme", "xero", connection_id=second)
    for change in (sandbox.disconnect, sandbox.expire_connection, sandbox.connect):
        with pytest.raises(LookupError):
            change("acme", "xero", connection_id="nosuch")
    with pytest.raises(ValueError):
        sandbox.connect("acme", "slack", user_defined_fields={"a": 1})
    sandbox.delete_config("acme", "xero", connection_id=first)
    sandbox.disconnect("acme", "xero")
    assert sandbox.state()["connections"] == []
    assert sandbox.connect("acme", "slack") is None


def test_connecting_by_hand_over_http_answers_the_connection_id(api: Api) -> None:
    made = ok(api.http.post("/_sandbox/dashboard/connect", json={"linked_account_id": "acme", "slug": "xero"}))

    assert made == {"done": "connect", "connection_id": connected(api)[0]["connection_id"]}
