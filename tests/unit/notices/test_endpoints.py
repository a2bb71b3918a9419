"""The settings of endpoints: which are taken, and what is said of others, without their secrets."""

import json
from typing import Any

import pytest

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.workers.endpoints import DEFAULT_TYPES, words_of
from cobalt_mirror.workers.settings import Settings

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
URL = "https://app.test/notices/s3cret"


def settings(**values: Any) -> Settings:
    return Settings(**{name: value for name, value in values.items() if value is not None})


def test_one_endpoint_gets_what_somebody_has_to_act_on() -> None:
    (endpoint,) = settings(notices_url=URL, notices_secret=SECRET).endpoints()

    assert (endpoint.name, endpoint.url, endpoint.origin) == ("default", URL, "https://app.test")
    assert endpoint.types == frozenset(DEFAULT_TYPES)
    assert "s3cret" not in repr(endpoint)
    assert "0123456789abcdef" not in repr(endpoint)


def test_several_have_names_secrets_and_types_of_their_own() -> None:
    more = {"crm": {"url": "https://crm.test/", "secret": f"{SECRET},{SECRET}", "types": "event.dead, work.halted"}}

    default, crm = settings(notices_url=URL, notices_secret=SECRET, notices_endpoints=json.dumps(more)).endpoints()

    assert (default.name, crm.name, len(default.secrets), len(crm.secrets)) == ("default", "crm", 1, 2)
    assert crm.types == {ChangeType.EVENT_DEAD, ChangeType.WORK_HALTED}


def test_without_settings_there_is_none() -> None:
    assert Settings().endpoints() == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", []), (" ", []), ("a", ["a"]), ("a,b", ["a", "b"]), (" a,\n b ", ["a", "b"]), ("a b,", ["a", "b"])],
)
def test_words_are_between_spaces_and_commas(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def crm(**changes: Any) -> str:
    return json.dumps({"crm": {"url": URL, "secret": SECRET, **changes}})


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("NOTICES_URL", "s3cret", "must be one URL"),
        ("NOTICES_URL", "ftp://s3cret.test", "must be one URL"),
        ("NOTICES_URL", "https://", "must be one URL"),
        ("NOTICES_URL", "https://a.test:s3cret", "must be one URL"),
        ("NOTICES_URL", f"{URL} {URL}", "must be one URL"),
        ("NOTICES_URL", "https://a:s3cret@a.test", "must have no user"),
        ("NOTICES_SECRET", "s3cret", "must be whsec_"),
        ("NOTICES_SECRET", "whsec_s3cret", "must be whsec_"),
        ("NOTICES_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY=", "must be whsec_"),
        ("NOTICES_SECRET", f"{SECRET} {SECRET} {SECRET}", "must be one secret, or two"),
        ("NOTICES_TYPES", "connection.expired", "'connection.expired' is no type of change"),
        ("NOTICES_TYPES", "* event.dead", r"'\*' is no type of change"),
        ("NOTICES_ENDPOINTS", "s3cret", "must be JSON such as"),
        ("NOTICES_ENDPOINTS", '["s3cret"]', "must be JSON such as"),
        ("NOTICES_ENDPOINTS", '{"crm": "s3cret"}', "must be JSON such as"),
        ("NOTICES_ENDPOINTS", '{"A name": {}}', "'A name' must be a name of lower-case letters"),
        ("NOTICES_ENDPOINTS", '{"default": {}}', "'default' must be a name"),
        ("NOTICES_ENDPOINTS", '{"crm": {"url": "https://s3cret"}}', "crm must have texts url, secret"),
        ("NOTICES_ENDPOINTS", crm(key="s3cret"), "crm must have texts url, secret"),
        ("NOTICES_ENDPOINTS", crm(secret=["s3cret"]), "crm must have texts url, secret"),
        ("NOTICES_ENDPOINTS", crm(secret=""), "crm: secret is empty"),
        ("NOTICES_ENDPOINTS", crm(types="none"), "crm: 'none' is no type"),
        ("NOTICES_ENDPOINTS", crm(url="s3cret"), "crm: must be one URL"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, rule: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting, match=rf"^{variable}: {rule}") as refused:
        Settings.from_environment()

    assert "s3cret" not in str(refused.value)


def test_a_secret_is_needed_and_tls_where_it_is_not_the_own_network() -> None:
    with pytest.raises(BadSetting, match=r"^NOTICES_SECRET is not set"):
        settings(notices_url=URL).endpoints()
    plain = {"notices_url": "http://app.test:8000/s3cret", "notices_secret": SECRET}
    with pytest.raises(BadSetting, match=r"^notices to http://app\.test:8000 would be sent in clear"):
        settings(**plain).endpoints()
    assert settings(**plain, notices_allow_private_addresses=True).endpoints()
