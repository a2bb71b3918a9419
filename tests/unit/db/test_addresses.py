"""Addresses with passwords: one that is not percent-encoded is refused without a word of it; none is shown."""

import traceback

import pytest

from cobalt_mirror.db.addresses import checked_address, shown_address
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings
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
