"""What stays the same of a connection and what moves; and custom applications, which are known by an id alone."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, INTEGRATION, PUBLIC, Api, TestClock, ok, refused


def integrations(api: Api) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = ok(api("GET", f"{ACCOUNT}/acme"))["integrations"]
    assert ok(api("GET", ACCOUNT))["docs"][0]["integrations"] == shown
    return shown


def moments(api: Api, slug: str = "slack") -> tuple[str, str, str]:
    """The seconds of `createdAt`, `updatedAt` and `connectedAt`."""
    (integration,) = integrations(api)
    connected_at = api.application(slug)["connected_accounts"][0]["connectedAt"]
    created, updated, connected = (
        moment[17:19] for moment in (integration["createdAt"], integration["updatedAt"], connected_at)
    )
    return created, updated, connected


def test_only_a_disconnect_makes_a_connection_a_new_one(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    api.consent("slack")
    assert moments(api) == ("01", "01", "01")
    clock.forward(1)
    sandbox.renew_token("acme", "slack")
    assert moments(api) == ("01", "02", "02")
    clock.forward(1)
    api.consent("slack")
    assert moments(api) == ("01", "03", "03")
    clock.forward(1)
    sandbox.expire_connection("acme", "slack")
    assert moments(api) == ("01", "04", "04")
    clock.forward(1)
    sandbox.disconnect("acme", "slack")
    api.consent("slack")
    assert moments(api) == ("05", "05", "05")


def test_an_integration_is_as_old_as_its_first_connection_until_all_are_gone(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    for auth_type in ("oauth2", "keybased"):
        sandbox.connect("acme", "hubspot", auth_type=auth_type)
        clock.forward(1)
    sandbox.disconnect("acme", "hubspot", auth_type="oauth2")

    assert integrations(api)[0]["createdAt"][17:19] == "01"
    (row,) = sandbox.state()["connections"]
    assert (row["created_at"][17:19], row["accounts"][0]["created_at"][17:19]) == ("01", "02")
    sandbox.disconnect("acme", "hubspot")
    sandbox.connect("acme", "hubspot")
    assert integrations(api)[0]["createdAt"][17:19] == "03"


def test_a_renewed_token_is_an_effect_without_a_notification(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    body = {"webhook_url": "https://host.example/hook", "webhook_events": ["Connection Created", "Connection Expired"]}
    ok(api("POST", f"{PUBLIC}/webhook", json=body))
    sandbox.connect("acme", "hubspot")
    sandbox.connect("acme", "hubspot", auth_type="keybased")
    sandbox.expire_connection("acme", "hubspot", auth_type="keybased")
    sandbox.take_notifications()
    clock.forward(1)
    ok(api.http.post("/_sandbox/dashboard/renew_token", json={"linked_account_id": "acme", "slug": "hubspot"}))

    (effect,) = sandbox.effects(kind="token_renewed")
    assert (effect.slug, effect.detail) == ("hubspot", {"auth_type": "oauth2"})
    assert (effect.before, effect.after) == ("2026-05-04T03:02:01.250Z", "2026-05-04T03:02:02.250Z")
    assert sandbox.take_notifications(all_of_them=True) == []
    for slug, auth_type in (("hubspot", "keybased"), ("slack", None)):
        with pytest.raises(LookupError):
            sandbox.renew_token("acme", slug, auth_type=auth_type)


def test_one_of_several_connections_is_renewed(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    first, second = sandbox.connect("acme", "xero"), sandbox.connect("acme", "xero")
    clock.forward(1)
    sandbox.renew_token("acme", "xero", connection_id=second)

    shown = {
        each["connection_id"]: each["connectedAt"][17:19] for each in api.application("xero")["connected_accounts"]
    }
    assert shown == {first: "01", second: "02"}


def test_tokens_renew_by_themselves_after_the_share_of_calls_in_the_settings(api: Api, sandbox: Sandbox) -> None:
    api.upsert("other")
    for slug in ("slack", "github", "hubspot"):
        sandbox.connect("acme", slug)
    sandbox.expire_connection("acme", "hubspot")
    for _ in range(20):
        api.application()
    assert sandbox.effects(kind="token_renewed") == []

    sandbox.change_settings(token_renewals=1)
    for _ in range(20):
        api.application()
    api.application(account="other")
    api("GET", ACCOUNT, account=None)
    renewed = sandbox.effects(kind="token_renewed")
    assert len(renewed) == 20
    assert {effect.slug for effect in renewed} == {"slack", "github"}
    assert {effect.call for effect in renewed} == {None}
    sandbox.change_settings(token_renewals=0.5)
    for _ in range(40):
        api.application()
    assert 25 < len(sandbox.effects(kind="token_renewed")) < 55


def test_custom_applications_are_known_by_their_id_alone(api: Api) -> None:
    catalogue = {each["slug"]: each for each in ok(api("GET", f"{PUBLIC}/application"))}
    custom = {slug: each for slug, each in catalogue.items() if each["kind"] == "custom"}
    api.consent("slack")
    api.consent("order_desk")
    ok(api("PUT", f"{INTEGRATION}/save-key-credentials/warehouse", json={"api_key": "k"}))

    assert sorted(custom) == ["order_desk", "warehouse"]
    assert {each["type"] for each in custom.values()} == {"custom"}
    assert {each["type"] for slug, each in catalogue.items() if slug not in custom} == set(catalogue) - set(custom)
    assert len({each["app_id"] for each in catalogue.values()}) == len(catalogue)
    assert all(len(bytes.fromhex(each["app_id"])) == 12 for each in catalogue.values())
    shown = integrations(api)
    assert [(each["type"], each["name"], each["app_id"]) for each in shown] == [
        ("slack", "Slack", None),
        ("custom", "Order Desk", custom["order_desk"]["app_id"]),
        ("custom", "Warehouse", custom["warehouse"]["app_id"]),
    ]
    assert not any("slug" in each for each in shown)
    assert api.application("order_desk")["connected"] is True
    assert ok(api("DELETE", f"{INTEGRATION}/order_desk", params={"linked_account_id": "acme"}))
    assert [each["name"] for each in integrations(api)] == ["Slack", "Warehouse"]


def test_an_application_without_a_window_has_no_oauth_url(api: Api) -> None:
    assert refused(api("GET", f"{INTEGRATION}/oauth-url/sap"))[0] == 400
    page = ok(api.browser().post(f"{PUBLIC}/connect-url", json={}))["hosted_url"]
    assert "order_desk" in api.http.get(page).text
    assert "slug=sap" not in api.http.get(page).text
