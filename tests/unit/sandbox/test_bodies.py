"""What the reference lets a body hold is taken, and what it does not is refused: a row for each rule."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, INTEGRATION, PUBLIC, Api, ok, refused

FIELD = f"{CONFIG}/field"
CREDENTIAL = f"{ACCOUNT}/default-app/auth-credentials/token"
TOGGLE = f"{PUBLIC}/slug/slack/config/acme/workflows/slack_notify"
HOOK = {"webhook_url": "https://a.example", "webhook_events": ["Workflow Errored"]}
OTHER = {"linked_account_id": "other"}
SECRET = {"auth_credentials": {"token": "t"}}
SLACK = {"slug": "slack"}
NOTIFY = {"id": "slack_notify"}

Row = tuple[str, str, dict[str, Any]]

TAKEN: list[Row] = [
    # Accounts
    ("POST", ACCOUNT, {**OTHER, "your_app": SECRET}),
    ("POST", ACCOUNT, {**OTHER, "your_app": {"app_id": "1", **SECRET}}),
    ("PUT", ACCOUNT, {**OTHER, "your_app": {}}),
    ("PUT", ACCOUNT, {**OTHER, "your_app": {"app_id": "1"}}),
    ("PUT", ACCOUNT, {**OTHER, "payload": {"name": "Other", "udf": {"plan": "gold"}, "your_app": SECRET}}),
    ("PUT", ACCOUNT, {"account_id": "other"}),
    ("PUT", CREDENTIAL, {"value": 7}),
    ("PUT", CREDENTIAL, {"value": None}),
    ("PUT", CREDENTIAL, {"value": {"a": [1]}}),
    # Configs: find or create, and replace, have one schema, which may hold more keys
    ("POST", CONFIG, {**SLACK, "linked_account_id": "acme", "name": "Mine", "colour": 7}),
    ("POST", CONFIG, {**SLACK, "fields": {"mention": "@a"}, "workflows": [NOTIFY]}),
    ("POST", CONFIG, {**SLACK, "labels": {"people": [{"name": "Name", "value": "name"}]}}),
    ("POST", CONFIG, {**SLACK, "labels": [{"name": "Name", "value": "name"}]}),
    ("POST", CONFIG, {**SLACK, "map_fields_object": {"people": {"fields": []}}}),
    ("PUT", CONFIG, {**SLACK, "linked_account_id": "acme", "tenant_config": False}),
    ("PUT", CONFIG, {**SLACK, "fields": {"mention": "@a"}}),
    ("PUT", CONFIG, {**SLACK, "fields": [{"id": "mention", "name": "Mention", "value": "@a"}, {"id": "channel"}]}),
    ("PUT", CONFIG, {**SLACK, "application_data_slots": {"mention": "@a"}}),
    ("PUT", CONFIG, {**SLACK, "application_data_slots": [{"id": "mention", "value": "@a"}]}),
    ("PUT", CONFIG, {**SLACK, "workflows": [{**NOTIFY, "data_slots": {"template": "Hi"}}]}),
    ("PUT", CONFIG, {**SLACK, "workflows": [{**NOTIFY, "fields": [{"id": "template", "value": "Hi"}]}]}),
    ("PUT", CONFIG, {**SLACK, "workflows": [{**NOTIFY, "name": "Notify the channel", "description": "d"}]}),
    ("PUT", f"{FIELD}/mention", {"value": None}),
    ("PUT", f"{FIELD}/mention", {}),
    ("PATCH", TOGGLE, {"enabled": True}),
    # The rest
    ("PUT", f"{INTEGRATION}/save-key-credentials/stripe", {"secret_key": "k"}),
    (
        "POST",
        f"{PUBLIC}/webhook",
        {**HOOK, "webhook_headers": {"a": "b", "n": 1, "o": {}}, "group": "g", "description": "d"},
    ),
    ("POST", f"{PUBLIC}/event/trigger", {"event": "order_paid", "payload": [1]}),
]

REFUSED: list[Row] = [
    # Accounts
    ("POST", ACCOUNT, {**OTHER, "your_app": {}}),
    ("POST", ACCOUNT, {**OTHER, "your_app": {"app_id": "1"}}),
    ("POST", ACCOUNT, {**OTHER, "your_app": {"app_id": 1, **SECRET}}),
    ("POST", ACCOUNT, {**OTHER, "payload": {"name": "Other"}}),
    ("PUT", ACCOUNT, {**OTHER, "your_app": {**SECRET, "colour": 7}}),
    ("PUT", ACCOUNT, {**OTHER, "payload": {"linked_account_id": "other"}}),
    ("PUT", ACCOUNT, {**OTHER, "payload": {"udf": {"plan": 1}}}),
    ("PUT", CREDENTIAL, {"value": "t", "key": "token"}),
    ("PUT", CREDENTIAL, {}),
    # Configs
    ("POST", CONFIG, {"linked_account_id": "acme"}),
    ("POST", CONFIG, {**SLACK, "labels": "people"}),
    ("POST", CONFIG, {**SLACK, "fields": {"nosuch": 1}}),
    ("PUT", CONFIG, {**SLACK, "fields": [{"value": "@a"}]}),
    ("PUT", CONFIG, {**SLACK, "fields": ["mention"]}),
    ("PUT", CONFIG, {**SLACK, "fields": [{"id": "mention", "value": "a"}, {"id": "mention", "value": "b"}]}),
    ("PUT", CONFIG, {**SLACK, "application_data_slots": {"nosuch": 1}}),
    ("PUT", CONFIG, {**SLACK, "workflows": [{**NOTIFY, "data_slots": {"nosuch": 1}}]}),
    ("PUT", CONFIG, {**SLACK, "workflows": [{"name": "Notify the channel"}]}),
    ("PUT", f"{FIELD}/mention", {"value": "@a", "name": "Mention"}),
    ("PATCH", TOGGLE, {"enabled": True, "fields": {}}),
    # The rest
    ("POST", f"{PUBLIC}/session-token", {"linked_account_id": "acme", "force_refresh": True}),
    ("PUT", f"{INTEGRATION}/save-key-credentials/stripe", {"secret_key": "k", "colour": "red"}),
    ("POST", f"{PUBLIC}/webhook", {**HOOK, "webhook_headers": ["a"]}),
    ("POST", f"{PUBLIC}/webhook", {**HOOK, "webhook_url": "ftp://a.example"}),
    ("PUT", f"{PUBLIC}/webhook/WEBHOOK", {"group": "g"}),
    ("PUT", f"{PUBLIC}/webhook/WEBHOOK", {"webhook_description": "d"}),
    ("POST", f"{PUBLIC}/event/trigger", {"event": "order_paid", "colour": "red"}),
]


@pytest.fixture
def installed(api: Api) -> Api:
    """The account has credentials and a config of Slack."""
    api.upsert(your_app={"auth_credentials": {}})
    ok(api("POST", CONFIG, json=SLACK))
    return api


@pytest.mark.parametrize(("method", "path", "body"), TAKEN)
def test_what_the_reference_allows_is_taken(installed: Api, method: str, path: str, body: dict[str, Any]) -> None:
    ok(installed(method, path, json=body, headers={"slug": "slack"}))


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
def test_what_the_reference_does_not_allow_is_refused_and_changes_nothing(
    installed: Api, sandbox: Sandbox, method: str, path: str, body: dict[str, Any]
) -> None:
    webhook = ok(installed("POST", f"{PUBLIC}/webhook", json=HOOK))["_id"]
    before = sandbox.state(secrets=True)

    answer = installed(method, path.replace("WEBHOOK", webhook), json=body, headers={"slug": "slack"})
    assert refused(answer)[0] == 400
    assert sandbox.state(secrets=True) == before


@pytest.mark.parametrize("name", ["fields", "application_data_slots"])
@pytest.mark.parametrize("form", [{"mention": "@a"}, [{"id": "mention", "value": "@a"}, {"id": "channel"}]])
def test_both_names_and_both_forms_of_fields_mean_the_same(
    installed: Api, sandbox: Sandbox, name: str, form: Any
) -> None:
    slots = {"fields": "fields", "application_data_slots": "data_slots"}[name]
    text = [{"id": "template", "value": "Hi"}] if isinstance(form, list) else {"template": "Hi"}
    ok(installed("PUT", CONFIG, json={**SLACK, name: form, "workflows": [{**NOTIFY, slots: text}]}))

    row = sandbox.state()["configs"][0]
    assert row["fields"] == {"mention": "@a"}
    assert [workflow["fields"] for workflow in row["workflows"]] == [{"template": "Hi"}, {}]


def test_what_was_read_of_a_config_can_be_sent_back(installed: Api, sandbox: Sandbox) -> None:
    workflow = {**NOTIFY, "enabled": True, "fields": {"template": "Hi"}}
    ok(installed("PUT", CONFIG, json={**SLACK, "fields": {"mention": "@a"}, "workflows": [workflow]}))
    before = sandbox.state()["configs"]

    shown = ok(installed("GET", f"{PUBLIC}/slug/slack/config"))
    assert ok(installed("PUT", CONFIG, json=shown)) == shown
    assert sandbox.state()["configs"] == before


def test_a_field_that_is_set_to_no_value_is_cleared(installed: Api, sandbox: Sandbox) -> None:
    for body in ({"value": "@a"}, {}):
        ok(installed("PUT", f"{FIELD}/mention", json=body, headers={"slug": "slack"}))

    assert sandbox.state()["configs"][0]["fields"] == {}


def test_a_config_is_created_with_the_values_of_its_body(api: Api, sandbox: Sandbox) -> None:
    ok(api("POST", CONFIG, json={**SLACK, "fields": {"mention": "@a"}, "map_fields_object": {"people": []}}))
    ok(api("POST", CONFIG, json={**SLACK, "fields": {"mention": "@b"}}))

    row = sandbox.state()["configs"][0]
    assert (row["fields"], row["labels"]) == ({"mention": "@a"}, {"people": []})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (1.0, "1"),
        (None, "null"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_a_credential_is_stored_as_the_text_of_its_value(api: Api, sandbox: Sandbox, value: Any, text: str) -> None:
    api.upsert(your_app={"auth_credentials": {}})
    ok(api("PUT", CREDENTIAL, json={"value": value}))

    assert sandbox.state(secrets=True)["accounts"][0]["auth_credentials"] == {"token": text}


#: Field, what it takes, and what it does not.
TYPES: list[tuple[str, list[Any], list[Any]]] = [
    ("priority", [1, 0, -1.5, None], ["1", True, [1]]),
    ("since", ["2026-05-04", ""], [20260504, []]),
    ("report_to", ["a@b.example"], [7, {}]),
    ("callback", ["https://a.example"], [True]),
    ("note", ["a\nb"], [["a"]]),
    ("defaults", [{"a": [1]}, [1], "a", 7, False], []),
    ("columns", [{"amount": "total"}, {}], ["amount", ["amount"]]),
    ("properties", [{"region": ["country", "state"]}], [7, "region"]),
    ("rules", [[{"lhs": "region", "operator": "eq", "rhs": "eu"}], {"any": []}], []),
    ("region", ["eu", "nosuch"], [["eu"], 7]),
]


@pytest.mark.parametrize(("field", "taken", "wrong"), TYPES)
def test_every_field_type_of_the_reference_takes_its_own_values(
    api: Api, field: str, taken: list[Any], wrong: list[Any]
) -> None:
    ok(api("POST", CONFIG, json={"slug": "order_desk"}))
    place: dict[str, Any] = {"headers": {"slug": "order_desk"}, "params": {"workflow_id": "order_desk_forward"}}

    for value in taken:
        shown = ok(api("PUT", f"{FIELD}/{field}", json={"value": value}, **place))
        assert shown.get("value") == value
    for value in wrong:
        assert refused(api("PUT", f"{FIELD}/{field}", json={"value": value}, **place)) == (400, "BAD_REQUEST")
