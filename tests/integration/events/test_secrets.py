"""What is secret is never readable in the database: neither in a column nor, on SQLite, anywhere in its files."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db.errors import CannotUnseal, NoSecretKeys
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.subject import get_background
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.events.stored import read_entry
from tests.integration.events.rows import Log

SECRET = "hunter2-tell-nobody"
SIGN_UP = UserSignedUp("acme", "Acme", auth_credentials={"token": SECRET})
CHANGE = ConfigChanged(
    "acme", "slack", fields={"password": SECRET}, workflows=[{"id": "sync", "fields": {"key": SECRET}}]
)

FORM: dict[str, Any] = {
    "fields": [
        {"id": "channel", "name": "Channel", "field_type": "text"},
        {"id": "password", "name": "Password", "field_type": "Password"},
    ],
    "workflows": [
        {"id": "sync", "name": "Sync", "fields": [{"id": "key", "field_type": "password"}, {"id": "password"}]},
        {"id": "tell", "name": "Tell", "fields": [{"id": "key", "field_type": "text"}]},
    ],
}


def give(settings: DatabaseSettings, host: Engine, *events: Event) -> None:
    with host.begin() as connection:
        publish_with(settings.vault(), events, connection)


@pytest.mark.parametrize("event", [SIGN_UP, CHANGE], ids=["credentials", "values"])
def test_with_keys_nothing_secret_is_readable_and_all_of_it_comes_back(
    settings: DatabaseSettings, host: Engine, log: Log, event: Event
) -> None:
    give(settings, host, event)
    give(settings, host, event)

    everything = log.everything()
    assert event.id in everything
    assert SECRET not in everything
    with log.engine.begin() as connection:
        (logged,) = get_background(connection, "acme", event.subject_slug() or "").events
    assert read_entry(logged, settings.vault()).event.payload() == event.payload()
    if log.schema is None:
        files = list(Path(str(host.url.database)).parent.glob("mirror.db*"))
        assert len(files) > 1
        assert not [file for file in files if SECRET.encode() in file.read_bytes()]


def test_without_the_key_the_event_says_which_setting_is_missing(
    settings: DatabaseSettings, keyless: DatabaseSettings, host: Engine, log: Log
) -> None:
    give(settings, host, SIGN_UP)

    with log.engine.begin() as connection:
        (logged,) = get_background(connection, "acme", "").events
    with pytest.raises(CannotUnseal, match="MIRROR_SECRET_KEYS"):
        read_entry(logged, keyless.vault())


def test_without_keys_credentials_are_refused(keyless: DatabaseSettings, host: Engine, log: Log) -> None:
    with host.begin() as connection, pytest.raises(NoSecretKeys, match="MIRROR_SECRET_KEYS is not set") as refused:
        publish_with(keyless.vault(), [UserSignedUp("first"), SIGN_UP], connection)

    assert SECRET not in str(refused.value)
    assert log.rows() == []


@pytest.mark.parametrize("credentials", [None, {}])
def test_without_keys_a_sign_up_that_has_no_credentials_is_taken(
    keyless: DatabaseSettings, host: Engine, log: Log, credentials: dict[str, str] | None
) -> None:
    give(keyless, host, UserSignedUp("acme", auth_credentials=credentials))

    assert log.row()["linked_account_id"] == "acme"


def test_without_keys_and_without_a_form_values_are_stored_as_they_are(
    keyless: DatabaseSettings, host: Engine, log: Log
) -> None:
    give(keyless, host, ConfigChanged("acme", "slack", fields={"channel": "alerts"}))

    assert log.row()["payload"]["fields"] == {"channel": "alerts"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (ConfigChanged("acme", "slack", fields={"channel": "a", "password": SECRET}), "fields.password"),
        (ConfigChanged("acme", "slack", "eu", {"password": SECRET}), "fields.password"),
        (ConfigChanged("acme", "slack", fields={"password": [SECRET]}), "fields.password"),
        (
            ConfigChanged("acme", "slack", workflows=[{"id": "tell"}, {"id": "sync", "fields": {"key": SECRET}}]),
            "workflows.sync.fields.key",
        ),
    ],
)
@pytest.mark.parametrize("owner", ["acme", "somebody else"])
def test_without_keys_a_value_that_the_form_calls_a_password_is_refused(
    keyless: DatabaseSettings, log: Log, *, owner: str, change: ConfigChanged, named: str
) -> None:
    log.install(owner, "slack", FORM)

    with log.engine.begin() as connection, pytest.raises(NoSecretKeys) as refused:
        publish_with(keyless.vault(), [ConfigChanged("acme", "hubspot", fields={"password": "x"}), change], connection)

    assert str(refused.value).startswith(
        f"{named}: is a password field of slack, and would be stored unencrypted, as MIRROR_SECRET_KEYS is not set"
    )
    assert SECRET not in str(refused.value)
    assert log.rows() == []


@pytest.mark.parametrize(
    "change",
    [
        ConfigChanged("acme", "slack", fields={"channel": "alerts"}),
        ConfigChanged("acme", "slack", fields={"password": None}),
        ConfigChanged("acme", "slack", workflows=[{"id": "tell", "enabled": True, "fields": {"key": "k"}}]),
        ConfigChanged("acme", "slack", workflows=[{"id": "sync", "fields": {"password": "a field of another place"}}]),
        ConfigChanged("acme", "hubspot", fields={"password": "of another application"}),
    ],
)
def test_without_keys_every_other_value_is_taken(
    keyless: DatabaseSettings, host: Engine, log: Log, change: ConfigChanged
) -> None:
    log.install("acme", "slack", FORM)

    give(keyless, host, change)

    assert log.row()["payload"] == change.payload()


def test_a_deleted_config_s_empty_form_does_not_hide_another_s(
    keyless: DatabaseSettings, host: Engine, log: Log
) -> None:
    log.install("acme", "slack", {}, status="deleted")
    log.install("zeta", "slack", FORM)

    with pytest.raises(NoSecretKeys):
        give(keyless, host, ConfigChanged("acme", "slack", fields={"password": SECRET}))


def test_of_many_changes_each_is_looked_up(keyless: DatabaseSettings, host: Engine, log: Log) -> None:
    log.install("account 0700", "app 700", FORM)
    changes = [
        ConfigChanged(f"account {number:04}", f"app {number}", fields={"password": SECRET, "channel": "a"})
        for number in range(1000)
    ]

    with pytest.raises(NoSecretKeys, match=r"^fields\.password: a password field of app 700, "):
        give(keyless, host, *changes)
    give(keyless, host, *changes[:700], *changes[701:])

    assert len(log.rows()) == 999
