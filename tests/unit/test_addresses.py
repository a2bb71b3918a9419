"""Addresses with passwords: one that is not percent-encoded is refused without a word of it; none is shown."""

import json
import traceback

import pytest

from cobalt_mirror import governed_client
from cobalt_mirror.addresses import checked_address, shown_address
from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.ops.delivery import send_test_notification
from cobalt_mirror.workers.ops.subscription import list_webhook_problems
from cobalt_mirror.workers.settings import Settings

#: Passwords as consoles make them, each a part of the word that must not show.
UNENCODED = (
    "se/cret",
    "se#cret",
    "se?cret",
    "se@cret",
    "se%cret",
    "se[cret",
    "se]cret",
    "s@e/c#r?et",
    "%zz",
)


@pytest.mark.parametrize("password", UNENCODED)
@pytest.mark.parametrize("user", ["", "app"])
@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_an_unencoded_password_is_refused_without_a_word_of_it(
    variable: str, user: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = "postgresql" if variable == "DATABASE_URL" else "redis"
    monkeypatch.setenv(variable, f"{scheme}://{user}:{password}@db.example.com:5432/app")
    with pytest.raises(BadSetting) as refused:
        Settings.from_environment()

    text = "".join(traceback.format_exception(refused.value))
    assert str(refused.value).startswith(f"{variable}: has a user or password with characters that must be percent")
    assert "cret" not in text
    assert "zz" not in text


#: Addresses in which a password is not encoded. Of the second, `u:12` looks like a host with a port.
BARE = ("http://u:se/cret@h:1", "http://u:12/cret@h:1", "http://u:se#cret@h:1", "http://u:se?cret@h:1")


@pytest.mark.parametrize("address", BARE)
@pytest.mark.parametrize(
    "variable",
    [
        "COBALT_BASE_URL",
        "PUBLIC_URL",
        "NOTICES_URL",
        "NOTICES_ENDPOINTS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "SENTRY_DSN",
    ],
)
def test_no_address_that_we_read_is_taken_or_shown_with_a_bare_password(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = f"whsec_{'A' * 32}"
    of_notices = {"NOTICES_ENDPOINTS": json.dumps({"crm": {"url": address, "secret": secret}})}
    monkeypatch.setenv(variable, of_notices.get(variable, address))
    with pytest.raises(BadSetting) as refused:
        Settings.from_environment()

    assert str(refused.value).startswith(f"{variable}: ")
    assert_silent(refused.value)


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.usefixtures("_no_proxy")
@pytest.mark.parametrize(
    "proxy",
    [*BARE, "u:se/cret@h:1", "http://h:secret", "ftp://u:secret@h:1", "http://u:secret@", "http://u:sec\tret@h"],
)
@pytest.mark.parametrize(
    ("variable", "base_url"),
    [
        ("HTTP_PROXY", "http://cobalt.example"),
        ("HTTPS_PROXY", "https://cobalt.example"),
        ("ALL_PROXY", "https://cobalt.example"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_a_word_of_it(
    variable: str, base_url: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(BadSetting) as refused:
        governed_client(Settings.model_validate({"cobalt_api_key": "tk_x", "cobalt_base_url": base_url}))

    assert str(refused.value).startswith(f"{variable}: ")
    assert_silent(refused.value)


@pytest.mark.usefixtures("_no_proxy")
@pytest.mark.parametrize(
    ("proxy", "bypassed"), [("http://app:p%40ss@h:1", ""), ("h:1", ""), ("http://u:se/cret@h:1", "cobalt.example")]
)
def test_a_proxy_that_can_be_used_or_is_not_is_no_obstacle(
    proxy: str, bypassed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", bypassed)
    Client("tk_x", base_url="https://cobalt.example").close()


@pytest.mark.parametrize("address", BARE)
def test_a_client_takes_no_address_with_a_bare_password(address: str) -> None:
    with pytest.raises(ValueError, match=r"^base_url ") as refused:
        Client("tk_x", base_url=address)
    assert_silent(refused.value)


def assert_silent(error: Exception) -> None:
    """Neither the error nor what Python prints of its causes shows a part of the passwords in these tests."""
    lines = [line for line in traceback.format_exception(error) if not line.startswith("  File ")]
    assert not [word for word in ("cret", "ret@", "u:se", "u:12", "12/") if word in "".join(lines)]


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost:6379/0",
        "rediss://:p%40ss%2Fw@cache.example.com:6380/0?ssl_cert_reqs=none",
        "redis://default:pa:ss@[::1]:6379",
        "postgresql://app:p%25ss@db.example.com/app?sslmode=require",
        "postgresql://db.example.com/app",
        "postgresql://an app:se cret@db.example.com/app",
    ],
)
def test_an_encoded_or_absent_password_is_taken(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize("address", ["redis://:secret", "postgresql://app:secret/app", "redis://host:99999"])
def test_a_password_in_the_place_of_a_port_is_refused_without_a_word_of_it(address: str) -> None:
    with pytest.raises(ValueError, match="its port a number") as refused:
        checked_address(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://default:p%40ss@cache.example.com:6379/0", "redis://cache.example.com:6379/0"),
        ("redis://:p@[::1]:6379/1", "redis://[::1]:6379/1"),
        ("rediss://cache.example.com?password=secret", "rediss://cache.example.com"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_settings_show_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter2@db.example.com/app?password=hunter2")
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@cache.example.com")

    settings = Settings.from_environment()
    assert "hunter2" not in repr(settings)
    assert settings.shown_url() == "postgresql+psycopg://app:***@db.example.com/app"
    assert "hunter2" not in repr(DatabaseSettings.from_environment())


@pytest.mark.usefixtures("_no_proxy")
def test_a_proxy_that_cannot_be_used_is_told_where_the_webhook_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://u:se/cret@h:1")
    settings = Settings.model_validate({"cobalt_api_key": "tk_x", "cobalt_base_url": "http://cobalt.example"})

    delivery = send_test_notification("http://mirror.example/webhooks/cobalt", api_key="tk_x")
    (problem,) = list_webhook_problems(settings, None)

    begin = "a test notification did not reach http://mirror.example/webhooks/cobalt from here (HTTP_PROXY: has a user"
    assert (delivery.arrived, delivery.sentence.startswith(begin)) == (False, True)
    assert problem.startswith("the webhook could not be checked: HTTP_PROXY: has a user or password")
    assert "cret" not in delivery.sentence + problem
