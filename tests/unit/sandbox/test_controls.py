"""The controls over HTTP and from Python: settings, faults, changes by hand, the ledger and the full state."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Environment, Sandbox, SandboxSettings
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, INTEGRATION, PUBLIC, Api, TestClock, ok, refused


def by_hand(api: Api, action: str, **body: Any) -> Any:
    return api.http.post(f"/_sandbox/dashboard/{action}", json=body)


def test_settings_are_shown_changed_and_checked(api: Api, sandbox: Sandbox) -> None:
    changed = ok(api.http.patch("/_sandbox/settings", json={"password_values": "masked", "rate_limited": True}))

    assert changed == ok(api.http.get("/_sandbox/settings"))
    assert SandboxSettings.model_validate(changed) == sandbox.settings
    assert refused(api.http.patch("/_sandbox/settings", json={"password_values": "hidden"}))[0] == 400
    assert refused(api.http.patch("/_sandbox/settings", json={"nosuch": 1}))[0] == 400
    assert sandbox.settings.password_values == "masked"


def test_faults_are_added_replaced_listed_and_cleared(api: Api) -> None:
    ok(api.http.post("/_sandbox/faults", json={"answer": "throttle", "times": 3}))
    ok(api.http.post("/_sandbox/faults", json=[{"status": 503}, {"answer": "timeout", "effect": "done"}]))
    assert api("GET", ACCOUNT).status_code == 429
    shown = ok(api.http.get("/_sandbox/faults"))
    assert [(rule["answer"], rule["status"], rule.get("times")) for rule in shown["faults"]] == [
        ("throttle", 500, 2),
        ("error", 503, None),
        ("timeout", 500, None),
    ]

    ok(api.http.put("/_sandbox/faults", json=[{"status": 502}]))
    assert api("GET", ACCOUNT).status_code == 502
    assert refused(api.http.post("/_sandbox/faults", json={"answer": "explode"}))[0] == 400
    assert ok(api.http.delete("/_sandbox/faults")) == {"faults": [], "late_effects": 0}


def test_an_account_is_changed_by_hand(api: Api, sandbox: Sandbox) -> None:
    ok(by_hand(api, "rename_account", linked_account_id="acme", name="By hand"))
    ok(by_hand(api, "set_udf", linked_account_id="acme", udf={"plan": "gold"}))
    row = sandbox.state()["accounts"][0]
    assert (row["name"], row["udf"]) == ("By hand", {"plan": "gold"})

    ok(by_hand(api, "delete_account", linked_account_id="acme"))
    assert sandbox.state()["accounts"] == []
    assert refused(by_hand(api, "delete_account", linked_account_id="acme"))[0] == 404


def test_a_connection_is_changed_by_hand(api: Api, sandbox: Sandbox) -> None:
    about = {"linked_account_id": "acme", "slug": "hubspot"}
    ok(by_hand(api, "connect", **about, auth_type="keybased", identifier={"team": 7}))
    assert api.application("hubspot")["connected_accounts"][0]["identifier"] == {"team": 7}
    ok(by_hand(api, "expire_connection", **about))
    assert sandbox.state()["connections"][0]["status"] == "reauth_required"
    ok(by_hand(api, "recover_connection", **about))
    assert sandbox.state()["connections"][0]["status"] == "connected"
    ok(by_hand(api, "disconnect", **about, auth_type="keybased"))
    assert sandbox.state()["connections"] == []

    assert refused(by_hand(api, "expire_connection", **about))[0] == 404
    assert refused(by_hand(api, "connect", linked_account_id="acme", slug="slack", auth_type="keybased"))[0] == 400
    assert refused(by_hand(api, "connect", linked_account_id="acme"))[0] == 400


def test_a_config_is_changed_by_hand(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    about = {"linked_account_id": "acme", "slug": "slack"}
    change = {
        "fields": {"channel": "random"},
        "workflows": {"slack_notify": True},
        "workflow_fields": {"slack_notify": {"template": "Hi"}},
    }
    ok(by_hand(api, "edit_config", **about, **change))
    ok(by_hand(api, "edit_config", **about, fields={"mention": "@you"}))

    row = sandbox.state()["configs"][0]
    assert row["fields"] == {"channel": "random", "mention": "@you"}
    assert row["workflows"][0] == {"id": "slack_notify", "enabled": True, "fields": {"template": "Hi"}}
    assert refused(by_hand(api, "edit_config", **about, fields={"channel": 7}))[0] == 400
    assert refused(by_hand(api, "edit_config", **about, fields={"nosuch": "x"}))[0] == 404
    ok(by_hand(api, "delete_config", **about))
    assert sandbox.state()["configs"] == []
    assert refused(by_hand(api, "delete_config", **about))[0] == 404


def test_an_edit_by_hand_that_fails_halfway_changes_nothing(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    before = sandbox.state()

    with pytest.raises(ValueError):
        sandbox.edit_config("acme", "slack", fields={"mention": "@you", "channel": 7})
    with pytest.raises(LookupError):
        sandbox.edit_config("acme", "slack", fields={"mention": "@you"}, workflows={"nosuch": True})
    assert sandbox.state() == before


def test_an_application_is_disabled_and_enabled_by_hand(api: Api, sandbox: Sandbox) -> None:
    ok(by_hand(api, "disable_application", slug="slack"))
    assert api("POST", CONFIG, json={"slug": "slack"}).status_code == 404
    assert [row["slug"] for row in sandbox.state()["applications"] if not row["enabled"]] == ["slack"]
    ok(by_hand(api, "enable_application", slug="slack"))
    assert api("POST", CONFIG, json={"slug": "slack"}).status_code == 200


def test_an_unknown_path_of_the_control_api_is_404(api: Api) -> None:
    assert refused(by_hand(api, "explode"))[0] == 404
    assert refused(by_hand(api, "reset"))[0] == 404
    assert refused(api.http.get("/_sandbox/nosuch"))[0] == 404


def test_the_ledger_names_every_call(api: Api, sandbox: Sandbox) -> None:
    browser = api.browser()
    sandbox.reset_ledger()
    api("PUT", ACCOUNT, json={"linked_account_id": "new"}, account=None)
    api("GET", f"{PUBLIC}/application/slack")
    api("DELETE", f"{INTEGRATION}/github", account=None, params={"linked_account_id": "acme"})
    browser.put("/api/v2/f-sdk/config", json={"slug": "jira"})
    api("GET", "/api/nosuch", account=None, headers={"x-api-key": "wrong"})

    rows = ok(api.http.get("/_sandbox/ledger/calls"))
    assert [(row["n"], row["route"], row["linked_account_id"], row["slug"], row["status"]) for row in rows] == [
        (1, "upsert_account", "new", None, 200),
        (2, "read_application", "acme", "slack", 200),
        (3, "delete_integration", "acme", "github", 200),
        (4, "sdk_replace_config", "acme", "jira", 404),
        (5, "unknown", None, None, 501),
    ]
    assert [row["environment"] for row in rows] == ["test"] * 4 + [None]
    assert ok(api.http.get("/_sandbox/ledger/calls?status=501&after=4")) == rows[4:]
    assert refused(api.http.get("/_sandbox/ledger/calls?colour=red"))[0] == 400
    assert refused(api.http.get("/_sandbox/ledger/calls?kind=connected"))[0] == 400


def test_the_ledger_names_every_effect_and_the_call_behind_it(api: Api, sandbox: Sandbox) -> None:
    api.upsert("acme", name="New", your_app={"auth_credentials": {"token": "s3cret"}})
    sandbox.connect("acme", "slack")
    ok(api("DELETE", f"{INTEGRATION}/slack", params={"linked_account_id": "acme"}))

    rows = ok(api.http.get("/_sandbox/ledger/effects"))
    assert [(row["kind"], row["call"], row["slug"]) for row in rows] == [
        ("account_updated", 1, None),
        ("connected", None, "slack"),
        ("disconnected", 2, "slack"),
    ]
    assert rows[0]["before"]["name"] == "Acme"
    assert rows[0]["after"]["name"] == "New"
    assert "s3cret" not in str(rows)
    assert ok(api.http.get("/_sandbox/ledger/effects?kind=connected")) == [rows[1]]


def test_the_summary_counts_by_route_and_status(api: Api, sandbox: Sandbox) -> None:
    for account in ("acme", "acme", "nobody"):
        api("GET", f"{PUBLIC}/application/slack", account=account)

    summary = ok(api.http.get("/_sandbox/ledger/summary"))
    assert summary["calls"] == 3
    assert summary["by_route_and_status"] == {"read_application": {"200": 2, "400": 1}}
    assert ok(api.http.post("/_sandbox/ledger/reset"))["calls"] == 0
    assert len(sandbox.state()["accounts"]) == 1


def test_the_state_can_be_narrowed_and_is_the_same_over_http(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    Api(sandbox, clock, key="pk_sandbox").upsert("zen")
    api.consent("slack")

    assert ok(api.http.get("/_sandbox/state")) == sandbox.state()
    narrow = ok(api.http.get("/_sandbox/state?environment=production"))
    assert [row["linked_account_id"] for row in narrow["accounts"]] == ["zen"]
    assert narrow == sandbox.state(environment=Environment.PRODUCTION)
    assert narrow["connections"] == []
    assert len(sandbox.state(linked_account_id="acme")["connections"]) == 1
    assert refused(api.http.get("/_sandbox/state?environment=moon"))[0] == 400


def test_secrets_show_only_when_asked_for(api: Api) -> None:
    api.upsert("acme", your_app={"auth_credentials": {"token": "s3cret"}})

    assert "s3cret" not in api.http.get("/_sandbox/state").text
    assert "s3cret" in api.http.get("/_sandbox/state?secrets=true").text


def test_a_reset_begins_again_from_the_same_seed(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    first = Sandbox(clock=clock, rate_limited=False)
    sandbox.change_settings(rate_limited=True)
    ok(api.http.post("/_sandbox/faults", json={"status": 503}))
    ok(api.http.post("/_sandbox/reset"))

    assert sandbox.state() == first.state()
    assert sandbox.summary()["calls"] == 0
    assert sandbox.settings == first.settings
    assert api.upsert("acme") == Api(first, clock).upsert("acme")


def test_many_threads_share_one_sandbox(api: Api, sandbox: Sandbox) -> None:
    def work(n: int) -> None:
        for _ in range(20):
            api.upsert(f"a{n % 4}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))

    assert sandbox.summary()["by_route_and_status"] == {"upsert_account": {"200": 320}}
    assert [call.n for call in sandbox.calls()] == list(range(1, 321))
    assert len(sandbox.effects(kind="account_created")) == 4
