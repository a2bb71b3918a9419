"""Configs: found or created, replaced, read, listed and deleted; single fields and workflows."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import NullValues, PasswordValues, Sandbox
from tests.unit.sandbox.conftest import CONFIG, PUBLIC, Api, ok, refused

SLACK = f"{PUBLIC}/slug/slack/config"


def replace(api: Api, **body: Any) -> Any:
    return ok(api("PUT", CONFIG, json={"slug": "slack", **body}))


def values(fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {field["id"]: field["value"] for field in fields if "value" in field}


def stored(sandbox: Sandbox) -> dict[str, Any]:
    row = sandbox.state(secrets=True)["configs"][0]
    enabled = [workflow["id"] for workflow in row["workflows"] if workflow["enabled"]]
    return {"fields": row["fields"], "enabled": enabled, "errors": [each["id"] for each in row["field_errors"]]}


def test_calls_about_configs_call_the_code_of_an_error_otherwise(api: Api) -> None:
    assert "error_code" in api("GET", SLACK).json()
    assert "error_code" in api("POST", CONFIG, json={"slug": "nosuch"}).json()
    assert "error" in api("GET", SLACK, account="nobody").json()
    assert "error" in api("GET", SLACK, account=None).json()
    assert "error" in api("GET", SLACK, headers={"x-api-key": "wrong"}).json()


def test_labels_are_stored_and_kept_until_others_come(api: Api, sandbox: Sandbox) -> None:
    def labels() -> Any:
        return sandbox.state()["configs"][0]["labels"]

    assert "labels" not in ok(api("POST", CONFIG, json={"slug": "slack", "labels": {"people": [{"name": "Name"}]}}))
    assert labels() == {"people": [{"name": "Name"}]}
    replace(api, fields={"channel": "general"})
    assert labels() == {"people": [{"name": "Name"}]}
    replace(api, labels=[])
    assert labels() == []
    assert refused(api("POST", CONFIG, json={"slug": "slack", "labels": "people"}))[0] == 400


def test_find_or_create_installs_a_skeleton_once(api: Api, sandbox: Sandbox) -> None:
    first = ok(api("POST", CONFIG, json={"slug": "slack"}))
    second = ok(api("POST", CONFIG, json={"slug": "slack", "config_id": "acme"}))

    assert first == second
    assert first["config_id"] == "acme"
    assert [(field["id"], field["required"]) for field in first["fields"]] == [("channel", True), ("mention", False)]
    assert first["fields"][0]["options"][0] == {"name": "General", "value": "general"}
    assert [workflow["enabled"] for workflow in first["workflows"]] == [False, False]
    assert first["field_errors"] == []
    assert len(sandbox.effects(kind="config_created")) == 1


def test_replacing_drops_what_is_not_sent(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    notify = {"id": "slack_notify", "enabled": True, "fields": {"template": "Hi", "digest": True}}
    full = replace(api, fields={"channel": "general", "mention": "@you"}, workflows=[notify])
    assert values(full["workflows"][0]["fields"]) == {"template": "Hi", "digest": True}
    assert stored(sandbox) == {
        "fields": {"channel": "general", "mention": "@you"},
        "enabled": ["slack_notify"],
        "errors": [],
    }

    replace(api, fields={"channel": "random"})
    assert stored(sandbox) == {"fields": {"channel": "random"}, "enabled": [], "errors": []}
    replace(api)
    assert stored(sandbox) == {"fields": {}, "enabled": [], "errors": ["channel"]}
    assert ok(api("GET", SLACK))["field_errors"][0]["error"]["message"]


def test_a_config_that_was_never_created_is_404(api: Api) -> None:
    assert refused(api("PUT", CONFIG, json={"slug": "slack"})) == (404, "SERVER_ERROR")
    assert refused(api("GET", SLACK)) == (404, "SERVER_ERROR")
    assert refused(api("GET", f"{SLACK}/second")) == (404, "SERVER_ERROR")
    assert refused(api("DELETE", SLACK)) == (404, "SERVER_ERROR")
    assert ok(api("GET", f"{SLACK}s")) == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_unknown_application_has_no_configs(api: Api, method: str) -> None:
    assert refused(api(method, CONFIG, json={"slug": "nosuch"})) == (404, "INVALID_APP_ID")


def test_an_account_holds_several_configs_of_one_application(api: Api, sandbox: Sandbox) -> None:
    for config_id in ("a/b", "second"):
        ok(api("POST", CONFIG, json={"slug": "slack", "config_id": config_id}))

    assert [each["config_id"] for each in ok(api("GET", f"{SLACK}s"))] == ["a/b", "second"]
    assert ok(api("GET", f"{SLACK}/a%2Fb"))["config_id"] == "a/b"
    ok(api("DELETE", f"{SLACK}/a%2Fb"))
    assert [row["config_id"] for row in sandbox.state()["configs"]] == ["second"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"slug": 7},
        {"slug": "slack", "fields": "channel"},
        {"slug": "slack", "fields": {"nosuch": "x"}},
        {"slug": "slack", "fields": {"channel": 7}},
        {"slug": "slack", "fields": {"mention": ["x"]}},
        {"slug": "slack", "workflows": {}},
        {"slug": "slack", "workflows": [{"enabled": True}]},
        {"slug": "slack", "workflows": [{"id": "nosuch"}]},
        {"slug": "slack", "workflows": [{"id": "slack_notify", "enabled": "yes"}]},
        {"slug": "slack", "workflows": [{"id": "slack_notify", "fields": {"digest": "yes"}}]},
        {"slug": "slack", "workflows": [{"id": "slack_notify"}, {"id": "slack_notify"}]},
    ],
)
def test_a_wrong_replacement_is_refused_for_good_and_changes_nothing(api: Api, sandbox: Sandbox, body: Any) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    replace(api, fields={"channel": "general"})

    assert refused(api("PUT", CONFIG, json=body))[0] == 400
    assert stored(sandbox)["fields"] == {"channel": "general"}


@pytest.mark.parametrize(
    ("slug", "field", "wrong"),
    [
        ("hubspot", "lists", "newsletter"),
        ("hubspot", "lists", ["newsletter", 7]),
        ("google_sheets", "header_row", "1"),
        ("google_sheets", "header_row", True),
        ("notion", "archive", "true"),
        ("stripe", "signing_secret", 7),
    ],
)
def test_every_field_type_takes_its_own_json_type_only(api: Api, slug: str, field: str, wrong: Any) -> None:
    ok(api("POST", CONFIG, json={"slug": slug}))

    assert refused(api("PUT", CONFIG, json={"slug": slug, "fields": {field: wrong}})) == (400, "BAD_REQUEST")


def test_a_value_outside_the_choices_is_stored_and_complained_about(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "hubspot"}))
    body = {"slug": "hubspot", "fields": {"pipeline": "nosuch", "lists": ["newsletter", "nosuch"]}}

    answer = ok(api("PUT", CONFIG, json=body))
    assert [each["id"] for each in answer["field_errors"]] == ["pipeline", "lists"]
    assert stored(sandbox)["fields"] == body["fields"]


def test_a_required_field_of_a_workflow_matters_once_it_is_enabled(api: Api) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    off = replace(api, fields={"channel": "general"}, workflows=[{"id": "slack_notify"}])
    on = replace(api, fields={"channel": "general"}, workflows=[{"id": "slack_notify", "enabled": True}])

    assert off["field_errors"] == []
    assert [each["id"] for each in on["field_errors"]] == ["template"]


@pytest.mark.parametrize(("switch", "kept"), [(NullValues.CLEARED, {}), (NullValues.STORED, {"channel": None})])
def test_null_clears_or_is_stored_as_the_switch_says(
    api: Api, sandbox: Sandbox, switch: NullValues, kept: dict[str, Any]
) -> None:
    sandbox.change_settings(null_values=switch)
    ok(api("POST", CONFIG, json={"slug": "slack"}))

    answer = replace(api, fields={"channel": None})
    assert values(answer["fields"]) == kept
    assert stored(sandbox) == {"fields": kept, "enabled": [], "errors": ["channel"]}


@pytest.mark.parametrize(
    ("switch", "shown"),
    [
        (PasswordValues.SHOWN, {"currency": "eur", "signing_secret": "s3cret"}),
        (PasswordValues.MASKED, {"currency": "eur", "signing_secret": "********"}),
        (PasswordValues.LEFT_OUT, {"currency": "eur"}),
    ],
)
def test_passwords_are_shown_masked_or_left_out_as_the_switch_says(
    api: Api, sandbox: Sandbox, switch: PasswordValues, shown: dict[str, str]
) -> None:
    sandbox.change_settings(password_values=switch)
    ok(api("POST", CONFIG, json={"slug": "stripe"}))
    secret = {"currency": "eur", "signing_secret": "s3cret"}
    ok(api("PUT", CONFIG, json={"slug": "stripe", "fields": secret}))

    assert values(ok(api("GET", f"{PUBLIC}/slug/stripe/config"))["fields"]) == shown
    assert stored(sandbox)["fields"] == secret
    assert "s3cret" not in str(sandbox.state())
    assert "s3cret" not in str(sandbox.effects())


def test_one_field_is_set_and_cleared(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    path, slug = f"{PUBLIC}/config/field", {"slug": "slack"}

    shown = ok(api("PUT", f"{path}/channel", headers=slug, json={"value": "general"}))
    assert (shown["id"], shown["value"]) == ("channel", "general")
    assert ok(api("POST", f"{path}/channel", headers=slug)) == shown
    assert ok(api("POST", path, headers=slug))["fields"][0] == shown
    ok(api("PUT", f"{path}/template?workflow_id=slack_notify&config_id=acme", headers=slug, json={"value": "Hi"}))
    assert values(ok(api("GET", SLACK))["workflows"][0]["fields"]) == {"template": "Hi"}
    assert "value" not in ok(api("DELETE", f"{path}/channel", headers=slug))
    assert stored(sandbox) == {"fields": {}, "enabled": [], "errors": ["channel"]}

    assert refused(api("PUT", f"{path}/nosuch", headers=slug, json={"value": 1})) == (400, "SERVER_ERROR")
    assert refused(api("PUT", f"{path}/template", headers=slug, json={"value": "x"})) == (400, "SERVER_ERROR")
    assert refused(api("PUT", f"{path}/channel", headers=slug, json={"values": "general"})) == (400, "BAD_REQUEST")
    assert refused(api("PUT", f"{path}/channel", headers=slug, json={"value": 7})) == (400, "BAD_REQUEST")
    assert refused(api("PUT", f"{path}/channel", json={"value": "general"})) == (400, "BAD_REQUEST")


def test_one_workflow_is_toggled(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={"slug": "slack"}))

    answer = ok(api("PATCH", f"{SLACK}/acme/workflows/slack_welcome", json={"enabled": True}))
    (workflow,) = answer["workflows"]
    assert (workflow["id"], workflow["name"], workflow["enabled"]) == ("slack_welcome", "Welcome new members", True)
    assert stored(sandbox)["enabled"] == ["slack_welcome"]
    wrong = api("PATCH", f"{SLACK}/acme/workflows/slack_welcome", json={"enabled": 1})
    assert refused(wrong) == (400, "BAD_REQUEST")
    unknown = api("PATCH", f"{SLACK}/acme/workflows/nosuch", json={"enabled": True})
    assert refused(unknown) == (404, "SERVER_ERROR")
