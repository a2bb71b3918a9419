"""A variable that cannot work is named with what it wants, and its value stays out of it."""

import pytest

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings, KeySettings
from tests.world import TEST_KEY

SECRET = "hunter2"
VARIABLES = ("DATABASE_PREPARED_STATEMENTS", "DATABASE_URL", "MIRROR_SCHEMA", "MIRROR_SECRET_KEYS")


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_every_setting_has_a_default() -> None:
    settings = DatabaseSettings.from_environment()

    assert settings.url().render_as_string() == "sqlite:///var/mirror.db"
    assert settings.mirror_schema == "cobalt_mirror"
    assert not settings.vault()


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")

    assert DatabaseSettings.from_environment() == DatabaseSettings()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://us:pass@host:5433/db", "postgresql+psycopg://us:pass@host:5433/db"),
        ("postgresql://host/db?sslmode=require", "postgresql+psycopg://host/db?sslmode=require"),
        ("postgresql+psycopg://host/db", "postgresql+psycopg://host/db"),
        ("postgresql+psycopg2://host/db?sslmode=require", "postgresql+psycopg://host/db?sslmode=require"),
        ("postgresql+psycopg_async://host/db", "postgresql+psycopg://host/db"),
        ("postgresql+pg8000://host/db", "postgresql+psycopg://host/db"),
        (
            "postgresql+asyncpg://h/db?ssl=require&prepared_statement_cache_size=0",
            "postgresql+psycopg://h/db?sslmode=require",
        ),
        ("postgresql+asyncpg://h/db?sslmode=prefer", "postgresql+psycopg://h/db?sslmode=prefer"),
        ("sqlite+aiosqlite:///mirror.db", "sqlite:///mirror.db"),
        ("postgres://us:p%40ss%2F@host/db", "postgresql+psycopg://us:p%40ss%2F@host/db"),
        ("sqlite:////tmp/mirror.db", "sqlite:////tmp/mirror.db"),
        ("sqlite+pysqlite:///mirror.db", "sqlite:///mirror.db"),
    ],
)
def test_the_usual_addresses_are_understood(monkeypatch: pytest.MonkeyPatch, given: str, used: str) -> None:
    monkeypatch.setenv("DATABASE_URL", given)

    url = DatabaseSettings.from_environment().url()

    assert url.render_as_string(hide_password=False) == used


@pytest.mark.parametrize(
    ("variable", "value", "wants"),
    [
        ("DATABASE_URL", f"{SECRET}", "must be a URL such as"),
        ("DATABASE_URL", f"mysql://us:{SECRET}@host/db", "must begin with postgresql:// or sqlite://, not mysql://"),
        ("DATABASE_URL", f"postgresql+other://us:{SECRET}@host/db", "not postgresql+other://"),
        ("DATABASE_PREPARED_STATEMENTS", SECRET, "valid boolean"),
        ("DATABASE_URL", f"postgresql://us:pass:{SECRET}", "must be a URL such as"),
        ("DATABASE_URL", f"postgres://host:{SECRET}/db", "must be a URL such as"),
        ("DATABASE_URL", f"{SECRET}\0", "must be a URL such as"),
        ("DATABASE_URL", "sqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("MIRROR_SCHEMA", f"{SECRET}; DROP", "must be 1 to 63 lower-case letters"),
        ("MIRROR_SCHEMA", f"1{SECRET}", "must be 1 to 63 lower-case letters"),
        ("MIRROR_SCHEMA", f"{SECRET}\n", "must be 1 to 63 lower-case letters"),
        ("MIRROR_SCHEMA", "x" * 64, "must be 1 to 63 lower-case letters"),
        ("MIRROR_SCHEMA", "public", "must be a schema for the mirror alone"),
        ("MIRROR_SCHEMA", f"pg_{SECRET}", "must be a schema for the mirror alone"),
        ("MIRROR_SCHEMA", "information_schema", "must be a schema for the mirror alone"),
        ("MIRROR_SECRET_KEYS", SECRET, "key 1 is not a Fernet key"),
        ("MIRROR_SECRET_KEYS", f"{TEST_KEY},{SECRET}", "key 2 is not a Fernet key"),
    ],
)
def test_a_bad_variable_is_named_and_its_value_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, wants: str
) -> None:
    if "\0" in value:  # no environment holds it
        with pytest.raises(ValueError, match=r"must be a URL such as"):
            DatabaseSettings(database_url=value)
        return
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadSetting) as refused:
        DatabaseSettings.from_environment()

    assert str(refused.value).startswith(f"{variable}: ")
    assert wants in str(refused.value)
    assert SECRET not in str(refused.value)


def test_every_bad_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    monkeypatch.setenv("MIRROR_SECRET_KEYS", "nonsense")

    with pytest.raises(BadSetting, match=r"^MIRROR_SECRET_KEYS: .*; DATABASE_URL: "):
        DatabaseSettings.from_environment()


def test_settings_do_not_show_their_keys() -> None:
    assert TEST_KEY not in repr(DatabaseSettings(mirror_secret_keys=TEST_KEY))


def test_a_variable_may_be_written_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("mirror_schema", "crm")

    assert DatabaseSettings.from_environment().mirror_schema == "crm"


def test_the_keys_are_read_whatever_form_the_host_s_address_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://host/db")
    monkeypatch.setenv("MIRROR_SECRET_KEYS", TEST_KEY)

    assert KeySettings.from_environment().vault()
