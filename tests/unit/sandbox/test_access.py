"""Who may call what: keys, session tokens, the account's header, unknown paths."""

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, INTEGRATION, PUBLIC, Api, TestClock, ok, refused

ORGANISATION = [
    ("POST", ACCOUNT),
    ("GET", ACCOUNT),
    ("DELETE", f"{ACCOUNT}/acme"),
    ("POST", f"{PUBLIC}/session-token"),
    ("POST", f"{PUBLIC}/webhook"),
    ("GET", f"{PUBLIC}/webhook"),
    ("PUT", f"{PUBLIC}/webhook/1"),
    ("DELETE", f"{PUBLIC}/webhook/1"),
]

BY_HEADER = [
    ("GET", f"{PUBLIC}/application"),
    ("GET", f"{PUBLIC}/application/nosuch"),
    ("GET", f"{INTEGRATION}/oauth-url/nosuch"),
    ("PUT", f"{INTEGRATION}/save-key-credentials/nosuch"),
    ("PUT", f"{ACCOUNT}/default-app/auth-credentials/token"),
    ("DELETE", f"{ACCOUNT}/default-app/auth-credentials/token"),
    ("POST", CONFIG),
    ("PUT", CONFIG),
    ("GET", f"{PUBLIC}/slug/nosuch/config"),
    ("GET", f"{PUBLIC}/slug/nosuch/config/one"),
    ("DELETE", f"{PUBLIC}/slug/nosuch/config"),
    ("DELETE", f"{PUBLIC}/slug/nosuch/config/one"),
    ("GET", f"{PUBLIC}/slug/nosuch/configs"),
    ("PATCH", f"{PUBLIC}/slug/nosuch/config/one/workflows/two"),
    ("POST", f"{PUBLIC}/config/field"),
    ("POST", f"{PUBLIC}/config/field/one"),
    ("PUT", f"{PUBLIC}/config/field/one"),
    ("DELETE", f"{PUBLIC}/config/field/one"),
]

OF_THE_BROWSER = [
    ("GET", "/api/v3/org/basics"),
    ("GET", "/api/v2/f-sdk/application"),
    ("GET", "/api/v2/f-sdk/application/slack"),
    ("GET", f"{PUBLIC}/session/active-linked-account"),
    ("GET", "/api/v1/slack/integrate"),
    ("POST", "/api/v1/slack/integrate"),
    ("POST", "/api/v2/app/stripe/save"),
    ("DELETE", "/api/v1/linked-acc/integration/slack"),
    ("POST", "/api/v2/f-sdk/config"),
    ("PUT", "/api/v2/f-sdk/config"),
    ("GET", "/api/v2/f-sdk/slug/slack/config"),
    ("DELETE", "/api/v2/f-sdk/slug/slack/config/one"),
]


@pytest.mark.parametrize(("method", "path"), ORGANISATION + BY_HEADER)
@pytest.mark.parametrize("key", [None, "", "tk_wrong", "wrong"])
def test_a_wrong_or_missing_key_is_401(sandbox: Sandbox, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key}
    client = httpx.Client(transport=SandboxTransport(sandbox), base_url="http://cobalt.test", headers=headers)

    code = "INVALID_TOKEN" if key is None and (method, path) in BY_HEADER else "SERVER_ERROR"
    assert refused(client.request(method, path)) == (401, code)


@pytest.mark.parametrize(("method", "path"), ORGANISATION)
def test_a_session_token_does_not_open_what_belongs_to_the_organisation(api: Api, method: str, path: str) -> None:
    assert refused(api.browser().request(method, path)) == (401, "SERVER_ERROR")


@pytest.mark.parametrize(("method", "path"), OF_THE_BROWSER)
def test_the_browsers_paths_take_session_tokens_only(api: Api, method: str, path: str) -> None:
    assert refused(api(method, path)) == (401, "INVALID_TOKEN")


@pytest.mark.parametrize(("method", "path"), BY_HEADER)
def test_an_unknown_account_is_said_before_an_unknown_application(api: Api, method: str, path: str) -> None:
    assert refused(api(method, path, account="nobody")) == (400, "INVALID_LINKED_ACCOUNT_ID")
    assert refused(api(method, path, account=None)) == (400, "BAD_REQUEST")


def test_a_disconnect_names_its_account_in_the_query(api: Api) -> None:
    assert refused(api("DELETE", f"{INTEGRATION}/slack")) == (400, "BAD_REQUEST")
    unknown = api("DELETE", f"{INTEGRATION}/slack", params={"linked_account_id": "nobody"})
    assert refused(unknown) == (400, "INVALID_LINKED_ACCOUNT_ID")


def test_a_session_token_replaces_key_and_header(api: Api) -> None:
    browser = api.browser()

    assert ok(browser.get(f"{PUBLIC}/application/slack"))["slug"] == "slack"
    assert ok(browser.post(CONFIG, json={"slug": "slack"}))["config_id"] == "acme"
    assert ok(browser.put(ACCOUNT, json={"name": "By token"}))["name"] == "By token"
    assert ok(browser.delete(f"{INTEGRATION}/slack"))["account_id"] == "acme"


def test_a_session_token_opens_its_own_account_only(api: Api) -> None:
    api.upsert("other")
    browser = api.browser()

    assert browser.get(f"{ACCOUNT}/other").status_code == 404
    assert browser.put(ACCOUNT, json={"linked_account_id": "other"}).status_code == 400
    assert browser.delete(f"{INTEGRATION}/slack", params={"linked_account_id": "other"}).status_code == 400


def test_the_environments_do_not_see_each_other(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    production = Api(sandbox, clock, key="pk_sandbox")

    assert production("GET", f"{ACCOUNT}/acme").status_code == 404
    assert refused(production("GET", f"{PUBLIC}/application")) == (400, "INVALID_LINKED_ACCOUNT_ID")
    assert production.upsert("acme")["environment"] == "production"
    assert [row["environment"] for row in sandbox.state()["accounts"]] == ["production", "test"]


def test_the_key_of_an_environment_that_is_not_served_is_401(clock: TestClock) -> None:
    only_test = Sandbox(clock=clock, keys={"test": "tk_mine"})

    assert Api(only_test, clock, key="pk_sandbox")("GET", ACCOUNT).status_code == 401
    assert Api(only_test, clock, key="tk_sandbox")("GET", ACCOUNT).status_code == 401
    assert Api(only_test, clock, key="tk_mine")("GET", ACCOUNT).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/public/nosuch"),
        ("GET", "/api/v2/public/workflow"),
        ("POST", f"{ACCOUNT}/acme"),
        ("HEAD", f"{ACCOUNT}/acme"),
        ("PATCH", CONFIG),
        ("GET", f"{ACCOUNT}/%FF"),
        ("GET", f"{ACCOUNT}//"),
        ("GET", "/api/v2/public/slug//config"),
        ("GET", f"{ACCOUNT}?env_variable_name=a"),
    ],
)
def test_what_the_sandbox_does_not_serve_is_501_and_says_so(api: Api, method: str, path: str) -> None:
    answer = api(method, path)

    assert answer.status_code == 501
    assert method == "HEAD" or "The sandbox does not have" in answer.json()["message"]
    assert method == "HEAD" or refused(answer) == (501, "NOT_IMPLEMENTED")


@pytest.mark.parametrize("path", ["/nosuch", "/consent/nosuch", "/connect/nosuch"])
def test_a_page_that_is_not_there_is_404(api: Api, path: str) -> None:
    assert api("GET", path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        ACCOUNT,
        f"{ACCOUNT}/acme",
        f"{PUBLIC}/application",
        f"{PUBLIC}/application/slack",
        f"{PUBLIC}/slug/slack/configs",
    ],
)
def test_one_slash_at_the_end_of_a_path_is_fine(api: Api, path: str) -> None:
    assert ok(api("GET", f"{path}/")) == ok(api("GET", path))


def test_an_id_in_a_header_is_read_as_latin_1(api: Api) -> None:
    api.upsert("né")
    api.upsert("😀")

    def status(raw: bytes) -> int:
        return api.http.get(f"{PUBLIC}/application", headers={b"linked_account_id": raw}).status_code

    assert status("né".encode("latin-1")) == 200
    assert status("né".encode()) == 400
    assert status("😀".encode()) == 400


@pytest.mark.parametrize("value", [b"a\nb", b"a\x00b", b" acme", b"acme "])
def test_the_transport_refuses_headers_that_no_connection_would_carry(api: Api, value: bytes) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        api.http.get(f"{PUBLIC}/application", headers={b"linked_account_id": value})
