"""What goes over the wire is what the vendor describes."""

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from cobalt_mirror.cobalt import Client
from tests.unit.cobalt.calls import ACCOUNT_CALLS, ALL_CALLS, ORGANISATION_CALLS, TOKEN_CALLS, ClientCall
from tests.unit.cobalt.description import Description
from tests.unit.cobalt.scripted import KEY, ScriptedCobalt, account_answer, answer, config_body, token_answer

ODD_IDS = ["acme", "a/b c@d", "ünï-😀", "x" * 200]


def _names_every_public_method() -> set[str]:
    return {name for name in dir(Client) if not name.startswith("_")} - {"base_url", "close", "environment"}


def test_the_table_of_calls_names_every_method_of_the_client() -> None:
    assert {name.partition(" ")[0] for name in ALL_CALLS} - {"force_refresh"} == _names_every_public_method()


@pytest.mark.parametrize("linked_account_id", ODD_IDS)
@pytest.mark.parametrize("name", ALL_CALLS)
def test_every_request_is_one_that_the_vendor_describes(
    name: str, linked_account_id: str, description: Description
) -> None:
    cobalt = _cobalt_for(ALL_CALLS[name])
    with cobalt.client() as client:
        ALL_CALLS[name].call(client, linked_account_id)
    for request in cobalt.requests:
        description.judge_request(request)


def test_the_description_does_refuse_a_wrong_request(description: Description) -> None:
    headers = {"x-api-key": KEY, "content-type": "application/json"}
    wrong = httpx.Request("POST", "https://app.refold.ai/api/v2/public/session-token", headers=headers, content=b"{}")
    with pytest.raises(OpenAPIError):
        description.judge_request(wrong)


def _cobalt_for(call: ClientCall) -> ScriptedCobalt:
    def reply(request: httpx.Request) -> httpx.Response:
        return token_answer() if request.url.path.endswith("/session-token") else call.answer

    return ScriptedCobalt(reply)


@pytest.mark.parametrize("name", ORGANISATION_CALLS)
def test_an_organisation_call_is_one_request_with_the_key_alone(name: str) -> None:
    cobalt = _cobalt_for(ORGANISATION_CALLS[name])
    ORGANISATION_CALLS[name].call(cobalt.client(), "acme")
    assert len(cobalt.requests) == 1
    assert cobalt.request.headers["x-api-key"] == KEY
    assert not {"authorization", "linked_account_id"} & set(cobalt.request.headers)


@pytest.mark.parametrize("name", ACCOUNT_CALLS)
def test_an_account_call_is_one_request_with_key_and_header(name: str) -> None:
    cobalt = _cobalt_for(ACCOUNT_CALLS[name])
    ACCOUNT_CALLS[name].call(cobalt.client(), "acme inc@x")
    assert len(cobalt.requests) == 1
    assert cobalt.request.headers["x-api-key"] == KEY
    assert cobalt.request.headers["linked_account_id"] == "acme inc@x"
    assert "authorization" not in cobalt.request.headers


@pytest.mark.parametrize("name", TOKEN_CALLS)
def test_a_token_call_never_carries_the_key(name: str) -> None:
    cobalt = _cobalt_for(TOKEN_CALLS[name])
    TOKEN_CALLS[name].call(cobalt.client(), "acme")
    assert cobalt.request.headers["authorization"] == "Bearer token-1"
    assert "x-api-key" not in cobalt.request.headers


def test_an_upsert_leaves_out_what_is_none_and_keeps_what_is_empty() -> None:
    cobalt = ScriptedCobalt(account_answer(new_account=True))
    assert cobalt.client().upsert_account("acme").new_account is True
    assert cobalt.body == {"linked_account_id": "acme"}
    cobalt.client().upsert_account("acme", name="", udf={}, auth_credentials={})
    assert cobalt.body == {
        "linked_account_id": "acme",
        "name": "",
        "udf": {},
        "your_app": {"auth_credentials": {}},
    }


def test_an_update_sends_fields_as_a_map_nulls_included() -> None:
    cobalt = ScriptedCobalt(answer(config_body()))
    workflows = [{"id": "w", "enabled": True, "fields": {"g": None}}]
    cobalt.client().update_config("acme", "slack", config_id="c", fields={"f": None}, workflows=workflows)
    assert cobalt.asked == ["PUT /api/v2/public/config"]
    assert cobalt.body == {"slug": "slack", "config_id": "c", "fields": {"f": None}, "workflows": workflows}


def test_a_workflow_switch_names_the_default_config_by_the_account() -> None:
    cobalt = ScriptedCobalt(answer({"workflows": []}))
    cobalt.client().set_workflow_enabled("a/b", "slack", "w 1", enabled=True)
    assert cobalt.asked == ["PATCH /api/v2/public/slug/slack/config/a%2Fb/workflows/w%201"]
    assert cobalt.body == {"enabled": True}


def test_a_connect_page_gets_its_properties_in_the_body() -> None:
    cobalt = ScriptedCobalt(token_answer(), answer({"hosted_url": "https://hosted.example/x"}))
    url = cobalt.client().connect_url("a b", config_id="c&d", redirect_url="https://host.example")
    assert url == "https://hosted.example/x"
    assert cobalt.asked[-1] == "POST /api/v2/public/connect-url?linked_account_id=a%20b&config_id=c%26d"
    assert cobalt.body == {"redirect_url": "https://host.example"}


def test_one_credential_is_set_and_deleted_by_its_key() -> None:
    cobalt = ScriptedCobalt(answer({"success": True, "action": "added"}))
    cobalt.client().set_auth_credential("acme", "api/key 1", "hunter22")
    assert cobalt.body == {"value": "hunter22"}
    cobalt.client().delete_auth_credential("acme", "api/key 1")
    path = "/api/v2/public/linked-account/default-app/auth-credentials/api%2Fkey%201"
    assert cobalt.asked == [f"PUT {path}", f"DELETE {path}"]
    assert cobalt.request.content == b""


def test_half_a_character_in_a_value_travels_as_an_escape() -> None:
    cobalt = ScriptedCobalt(answer({}))
    cobalt.client().set_config_field("acme", "slack", "f", "\ud800")
    assert cobalt.request.content == b'{"value":"\\ud800"}'


def test_a_base_url_with_a_path_and_a_slash_is_kept() -> None:
    cobalt = ScriptedCobalt(account_answer())
    cobalt.client(base_url="http://proxy.example/cobalt/").fetch_account("acme")
    assert str(cobalt.request.url) == "http://proxy.example/cobalt/api/v2/public/linked-account/acme"
