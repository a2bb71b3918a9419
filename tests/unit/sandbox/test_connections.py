"""Connecting, reconnecting and disconnecting, and how applications show it."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import ConnectedWhenNot, Sandbox
from tests.unit.sandbox.conftest import CONFIG, INTEGRATION, PUBLIC, Api, TestClock, ok, refused


def connections(sandbox: Sandbox) -> list[tuple[str, str, list[str]]]:
    rows = sandbox.state()["connections"]
    return [(row["slug"], row["status"], [each["auth_type"] for each in row["accounts"]]) for row in rows]


def disconnect(api: Api, slug: str, **query: str) -> Any:
    return ok(api("DELETE", f"{INTEGRATION}/{slug}", params={"linked_account_id": "acme", **query}))


def test_the_catalogue_has_a_dozen_applications_of_every_kind(api: Api) -> None:
    shown = ok(api("GET", f"{PUBLIC}/application"))
    kinds = {frozenset(each["auth_type_options"]) for each in shown}
    identifiers = set()
    for each in shown:
        if each["auth_type_options"].get("oauth2") == []:
            api.consent(each["slug"])
            identifiers.add(type(api.application(each["slug"])["connected_accounts"][0]["identifier"]))

    assert len(shown) >= 12
    assert kinds == {frozenset({"oauth2"}), frozenset({"keybased"}), frozenset({"oauth2", "keybased"})}
    assert identifiers == {str, dict, type(None)}
    assert all(each["icon"].startswith("data:image/svg+xml") for each in shown)
    assert all(each["description"] and each["tags"] for each in shown)


def test_the_catalogue_can_be_filtered(api: Api) -> None:
    def slugs(**query: str) -> list[str]:
        return [each["slug"] for each in ok(api("GET", f"{PUBLIC}/application", params=query))]

    assert slugs(slug="jira") == ["jira"]
    assert slugs(tags="payments", auth_type="keybased") == ["stripe"]
    assert slugs(tags="payments", auth_type="oauth2") == []
    assert slugs(ecosystem="false", slug="jira") == ["jira"]
    assert slugs(ecosystem="true") == []
    assert refused(api("GET", f"{PUBLIC}/application", params={"ecosystem": "yes"})) == (400, "BAD_REQUEST")


def test_applications_are_shown_to_the_account_of_the_query_unless_a_header_names_one(api: Api) -> None:
    api.upsert("other")
    api.consent("slack")

    def connected(header: str | None, query: str) -> Any:
        path, params = f"{PUBLIC}/application/slack", {"linked_account_id": query}
        return ok(api("GET", path, account=header, params=params))["connected"]

    assert [connected(None, "acme"), connected(None, "other"), connected("acme", "other")] == [True, False, True]
    assert len(ok(api("GET", f"{PUBLIC}/application", account=None, params={"linked_account_id": "acme"}))) > 12
    unknown = api("GET", f"{PUBLIC}/application", account=None, params={"linked_account_id": "nobody"})
    assert refused(unknown) == (400, "INVALID_LINKED_ACCOUNT_ID")


def test_consent_connects_and_can_be_given_once(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    address = ok(api("GET", f"{INTEGRATION}/oauth-url/slack"))["auth_url"]
    page = api.http.get(address)
    form = page.request.url.params

    assert "Allow" in page.text
    assert "Deny" in page.text
    assert api.http.post("/consent", data=dict(form)).status_code == 200
    assert api.application()["connected_accounts"] == [
        {
            "identifier": "acme@slack.example.com",
            "auth_type": "oauth2",
            "connectedAt": "2026-05-04T03:02:01.250Z",
            "status": "active",
        }
    ]
    assert api.http.post("/consent", data=dict(form)).status_code == 400
    assert len(sandbox.effects(kind="connected")) == 1


def test_denied_consent_connects_nothing(api: Api, sandbox: Sandbox) -> None:
    assert api.consent("slack", decision="deny").status_code == 200
    assert connections(sandbox) == []


def test_consent_for_another_account_or_application_is_refused(api: Api, sandbox: Sandbox) -> None:
    api.upsert("other")
    form = dict(api.http.build_request("GET", ok(api("GET", f"{INTEGRATION}/oauth-url/slack"))["auth_url"]).url.params)

    for wrong in ({"linked_account_id": "other"}, {"slug": "github"}, {"state": "guess"}, {"decision": "maybe"}):
        assert api.http.post("/consent", data={**form, **wrong}).status_code == 400
    assert connections(sandbox) == []


def test_consent_leads_back_where_it_was_asked_to(api: Api) -> None:
    address = ok(api("GET", f"{INTEGRATION}/oauth-url/slack", params={"redirect_url": "https://host.example/x?a=1"}))
    form = dict(api.http.build_request("GET", address["auth_url"]).url.params)
    back = api.http.post("/consent", data=form)

    assert back.status_code == 303
    assert back.headers["location"] == "https://host.example/x?a=1&status=connected&slug=slack"
    wrong = api("GET", f"{INTEGRATION}/oauth-url/slack", params={"redirect_url": "javascript:alert(1)"})
    assert refused(wrong) == (400, "BAD_REQUEST")


def test_pages_escape_what_they_show(api: Api) -> None:
    api.upsert("<script>")
    api.consent("slack", account="<script>")
    page = api.http.get(ok(api("GET", f"{INTEGRATION}/oauth-url/slack", account="<script>"))["auth_url"])

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_an_application_without_oauth_or_unknown_has_no_oauth_url(api: Api) -> None:
    assert refused(api("GET", f"{INTEGRATION}/oauth-url/stripe")) == (400, "BAD_REQUEST")
    assert refused(api("GET", f"{INTEGRATION}/oauth-url/nosuch")) == (404, "EXTERNAL_API_FAILURE")


def test_credentials_connect_unless_the_provider_refuses_them(api: Api, sandbox: Sandbox) -> None:
    path = f"{INTEGRATION}/save-key-credentials/stripe"
    status, _ = refused(api("PUT", path, json={"secret_key": "invalid"}))
    assert status == 500
    assert connections(sandbox) == []

    ok(api("PUT", path, json={"secret_key": "s3cret"}))
    assert connections(sandbox) == [("stripe", "connected", ["keybased"])]
    assert "s3cret" not in str(sandbox.state())
    assert "s3cret" in str(sandbox.state(secrets=True))


@pytest.mark.parametrize(
    ("slug", "body"),
    [
        ("stripe", {}),
        ("stripe", {"secret_key": ""}),
        ("stripe", {"secret_key": 7}),
        ("stripe", {"secret_key": "x", "other": "y"}),
        ("slack", {"secret_key": "x"}),
    ],
)
def test_credentials_that_the_application_does_not_ask_for_are_refused(api: Api, slug: str, body: Any) -> None:
    answer = api("PUT", f"{INTEGRATION}/save-key-credentials/{slug}", json=body)

    assert refused(answer) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(("changes", "second"), [(True, "03:02:02"), (False, "03:02:01")])
def test_a_reconnect_changes_connected_at_as_the_switch_says(
    api: Api, sandbox: Sandbox, clock: TestClock, changes: bool, second: str
) -> None:
    sandbox.change_settings(reconnect_changes_connected_at=changes)
    api.consent("slack")
    sandbox.expire_connection("acme", "slack")
    clock.forward(1)
    api.consent("slack")

    shown = api.application()["connected_accounts"][0]
    assert shown["status"] == "active"
    assert second in shown["connectedAt"]


@pytest.mark.parametrize(("switch", "shown"), [(ConnectedWhenNot.FALSE, False), (ConnectedWhenNot.ABSENT, None)])
def test_not_connected_is_false_or_absent_as_the_switch_says(
    api: Api, sandbox: Sandbox, switch: ConnectedWhenNot, shown: bool | None
) -> None:
    sandbox.change_settings(connected_when_not=switch)

    assert api.application().get("connected") is shown
    assert api.application()["connected_accounts"] == []


def test_connected_accounts_are_bare_as_the_switch_says(api: Api, sandbox: Sandbox) -> None:
    api.consent("slack")
    sandbox.change_settings(connected_accounts_bare=True)

    (shown,) = api.application()["connected_accounts"]
    assert set(shown) == {"identifier", "connectedAt"}
    sandbox.expire_connection("acme", "slack")
    assert api.application()["reauth_required"] is True


def test_an_expired_part_asks_for_reauthorisation(api: Api, sandbox: Sandbox) -> None:
    api.consent("hubspot")
    sandbox.connect("acme", "hubspot", auth_type="keybased")
    sandbox.expire_connection("acme", "hubspot", auth_type="keybased")

    shown = api.application("hubspot")
    assert (shown["connected"], shown["reauth_required"]) == (True, True)
    assert [each["status"] for each in shown["connected_accounts"]] == ["active", "expired"]
    sandbox.recover_connection("acme", "hubspot")
    assert api.application("hubspot")["reauth_required"] is False


def test_disconnecting_one_of_two_auth_types_keeps_the_configs(api: Api, sandbox: Sandbox) -> None:
    api.consent("hubspot")
    sandbox.connect("acme", "hubspot", auth_type="keybased")
    ok(api("POST", CONFIG, json={"slug": "hubspot"}))
    ok(api("POST", CONFIG, json={"slug": "hubspot", "config_id": "second"}))

    disconnect(api, "hubspot", auth_type="oauth2")
    assert connections(sandbox) == [("hubspot", "connected", ["keybased"])]
    assert len(sandbox.state()["configs"]) == 2

    answer = disconnect(api, "hubspot")
    assert answer["integrations"] == []
    assert (connections(sandbox), sandbox.state()["configs"]) == ([], [])


def test_disconnecting_what_was_never_connected_succeeds(api: Api, sandbox: Sandbox) -> None:
    assert disconnect(api, "slack")["account_id"] == "acme"
    assert disconnect(api, "slack", auth_type="keybased")["account_id"] == "acme"
    assert sandbox.effects(kind="disconnected") == []


def test_a_disabled_application_is_gone_but_can_be_disconnected(api: Api, sandbox: Sandbox) -> None:
    api.consent("slack")
    sandbox.disable_application("slack")

    assert refused(api("GET", f"{PUBLIC}/application/slack")) == (404, "EXTERNAL_API_FAILURE")
    assert "slack" not in [each["slug"] for each in ok(api("GET", f"{PUBLIC}/application"))]
    disconnect(api, "slack")
    assert connections(sandbox) == []
