"""Cobalt's hosted page: made with a session token; it connects by consent and by key, and saves configs."""

import re

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import PUBLIC, Api, ok, refused

CONNECT_URL = f"{PUBLIC}/connect-url"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def page(api: Api) -> str:
    """The address of the page of `acme`."""
    body = {"base_color": "red", "anything": [1]}
    address: str = ok(api.browser().post(CONNECT_URL, params={"linked_account_id": "acme"}, json=body))["hosted_url"]
    return address


def submitted(api: Api, page: str, **form: str | list[str]) -> httpx.Response:
    return api.http.post(page, data={name.replace("__", "."): value for name, value in form.items()})


def test_the_address_wants_the_session_token_of_its_account(api: Api) -> None:
    api.upsert("other")
    other = {"linked_account_id": "other"}

    assert refused(api("POST", CONNECT_URL, params={"linked_account_id": "acme"}, json={})) == (401, "INVALID_TOKEN")
    assert refused(api.browser().post(CONNECT_URL, params=other, json={})) == (400, "BAD_REQUEST")


def test_it_leads_to_consent(api: Api, page: str) -> None:
    shown = api.http.get(page)

    assert shown.status_code == 200
    assert "/consent?linked_account_id=acme&amp;slug=slack" in shown.text
    assert api.http.get("/connect/guess").status_code == 404
    assert api.http.post("/connect/guess", data={"slug": "stripe"}).status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"slug": "stripe", "auth_type": "keybased", "input__secret_key": "k"}, 303),
        ({"slug": "stripe", "auth_type": "keybased", "input__secret_key": "invalid"}, 400),
        ({"slug": "stripe", "auth_type": "keybased", "input__secret_key": ""}, 400),
        ({"slug": "stripe", "auth_type": "oauth2", "input__secret_key": "k"}, 400),
        ({"slug": "slack", "auth_type": "oauth2"}, 400),
        ({"slug": "sap", "auth_type": "oauth2", "input__client_id": "c", "input__client_secret": "s"}, 303),
        ({"slug": "nosuch", "auth_type": "keybased"}, 404),
        ({}, 404),
    ],
)
def test_it_connects_with_what_is_typed_in(
    api: Api, sandbox: Sandbox, page: str, *, form: dict[str, str], status: int
) -> None:
    assert submitted(api, page, **form).status_code == status
    connected = [row["slug"] for row in sandbox.state()["connections"]]
    assert connected == ([form["slug"]] if status == 303 else [])


def test_it_saves_the_config_that_its_address_names(api: Api, sandbox: Sandbox, page: str) -> None:
    sandbox.connect("acme", "hubspot")
    api.http.get(page, params={"config_id": "second"})
    form: dict[str, str | list[str]] = {"slug": "hubspot", "config_id": "second", "input__pipeline": "enterprise"}
    back = submitted(api, f"{page}?config_id=second", **form, input__lists=["customers", "events"])

    [config] = sandbox.state()["configs"]
    assert (back.status_code, back.headers["location"].endswith("?config_id=second")) == (303, True)
    assert (config["config_id"], config["fields"]) == (
        "second",
        {"pipeline": "enterprise", "lists": ["customers", "events"]},
    )
    assert '<option value="enterprise" selected>' in api.http.get(f"{page}?config_id=second").text
    submitted(api, page, slug="hubspot", config_id="second", input__pipeline="")
    assert sandbox.state()["configs"][0]["fields"] == {"lists": []}
    assert submitted(api, page, slug="slack", config_id="second").status_code == 400  # it is not connected


@pytest.mark.parametrize(
    ("typed", "stored"), [("500", 500), ("0.5", 0.5), ("", None), ("many", "refused"), ("nan", "refused")]
)
def test_a_number_is_read_and_a_secret_that_is_not_typed_again_stays(
    api: Api, sandbox: Sandbox, page: str, *, typed: str, stored: object
) -> None:
    sandbox.connect("acme", "postgresql")
    submitted(api, page, slug="postgresql", input__ssl_key="s3cret", input__batch_size="7")
    again = submitted(api, page, slug="postgresql", input__ssl_key="", input__batch_size=typed)

    [config] = sandbox.state(secrets=True)["configs"]
    assert again.status_code == (400 if stored == "refused" else 303)
    assert config["fields"]["ssl_key"] == "s3cret"
    assert config["fields"].get("batch_size") == (7 if stored == "refused" else stored)
    assert "s3cret" not in api.http.get(page).text


def test_it_escapes_what_it_shows(api: Api) -> None:
    api.upsert(EVIL)
    address = ok(api.browser(EVIL).post(CONNECT_URL, json={}))["hosted_url"]

    assert EVIL not in api.http.get(address).text


def test_it_says_what_is_connected_and_what_has_to_be_connected_again(api: Api, sandbox: Sandbox, page: str) -> None:
    def headings() -> set[tuple[str, str]]:
        return set(re.findall(r"<h2>(Slack|Jira)(.*?)</h2>", api.http.get(page).text))

    sandbox.connect("acme", "slack")
    assert headings() == {("Slack", " (connected)"), ("Jira", "")}
    sandbox.expire_connection("acme", "slack")
    assert headings() == {("Slack", " (connect again)"), ("Jira", "")}
