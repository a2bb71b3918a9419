"""Configs of an application that holds several connections: one for each connection, under the same id."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.events.stored import Entry
from tests.unit.entries import ACCOUNT, at, authorized, changed
from tests.unit.handlers.mirrored import DELETED, assert_as_at_cobalt, recorded
from tests.unit.handlers.stage import SEVERAL, TYPES, Stage, leave
from tests.unit.handlers.subjects import CHECK, ended_as

# --- reading ----------------------------------------------------------------------------------------------------------

#: The configs at Cobalt and in the mirror, each as `config/connection`; those read, those that are gone; the calls.
#: `1` and `2` are the connections; `gone` is the id of one that was.
READ = [
    pytest.param("", "", "", "", 0, id="none anywhere"),
    pytest.param("a/1", "a/1", "a/1", "", 1, id="one in both"),
    pytest.param("a/1 a/2", "", "a/1 a/2", "", 2, id="two that the mirror does not show"),
    pytest.param("a/1 a/2", "a/1 a/2", "a/1 a/2", "", 2, id="one for each connection, under one id"),
    pytest.param("a/1", "a/1 a/2", "a/1", "a/2", 2, id="one is gone, its connection is there"),
    pytest.param("a/1", "a/1 a/gone", "a/1", "a/gone", 2, id="one is gone with its connection"),
    pytest.param("a/1", "a", "a/1", "a", 1, id="of a time when the application held one connection"),
    pytest.param("", "a", "", "a", 0, id="of such a time, and Cobalt lists none"),
    pytest.param("a/1 b/1 b/2", "b/1", "a/1 b/1 b/2", "", 3, id="several of one connection"),
]


@pytest.mark.parametrize(("at_cobalt", "mirrored", "read", "gone", "calls"), READ)
def test_every_config_of_every_connection_is_read(
    *, at_cobalt: str, mirrored: str, read: str, gone: str, calls: int, stage: Stage
) -> None:
    ids = {"1": stage.connect(SEVERAL, 1), "2": stage.connect(SEVERAL, 2), "gone": "gone", "": ""}

    def keys(words: str) -> list[ConfigKey]:
        parts = (word.partition("/") for word in words.split())
        return [ConfigKey(config_id, ids[number]) for config_id, _, number in parts]

    for key in keys(at_cobalt):
        stage.client.config(ACCOUNT, SEVERAL, config_id=key.config_id, connection_id=key.connection_id)
    seen = replace(CHECK, absent=dict.fromkeys(keys(gone), at(-5)))
    found = stage.attempt(SEVERAL, second=10, check=seen, configs=keys(mirrored))

    assert set(recorded(found, "configs")) == {"/".join(filter(None, key)) for key in keys(f"{read} {gone}")}
    deleted = {name for name, columns in recorded(found, "configs").items() if columns == DELETED}
    assert deleted == {"/".join(filter(None, key)) for key in keys(gone)}
    assert len(stage.calls()) == 2 + calls
    assert_as_at_cobalt(found, stage.client)


# --- finding, when a connection was authorised ------------------------------------------------------------------------

#: Which connections have a config in the mirror, the changes that wait, by the connection that they name ("-": none);
#: the connections whose configs are found or made.
FOUND = [
    pytest.param("", "", "12", id="each connection gets its config"),
    pytest.param("1", "", "2", id="unless the mirror shows it"),
    pytest.param("12", "", "", id="the mirror shows both"),
    pytest.param("", "1", "12", id="a change finds it"),
    pytest.param("2", "1", "1", id="a change finds the only one that the mirror does not show"),
    pytest.param("12", "1", "1", id="a change finds it again, for it has to write"),
]


@pytest.mark.parametrize(("mirrored", "changes", "expected"), FOUND)
def test_every_connection_gets_its_config_once(mirrored: str, changes: str, expected: str, stage: Stage) -> None:
    ids = {"1": stage.connect(SEVERAL, 1), "2": stage.connect(SEVERAL, 2)}
    waiting = [change(f"c{number}", 6, "One", ids[number]) for number in changes]
    configs = [ConfigKey(ACCOUNT, ids[number]) for number in mirrored]
    found = stage.attempt(SEVERAL, authorized("a", 5, slug=SEVERAL), *waiting, second=10, configs=configs)

    assert set(ended_as(found).values()) == {"done"}
    assert set(recorded(found, "configs")) == {f"{ACCOUNT}/{ids[number]}" for number in expected}
    assert [call for call in stage.calls() if call == "POST"] == ["POST"] * len(expected)
    assert_as_at_cobalt(found, stage.client)


def test_one_connections_refusal_leaves_the_others_their_configs(stage: Stage) -> None:
    _, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    stage.sandbox.add_faults(Fault(method="POST", status=HTTPStatus.BAD_REQUEST, times=1))
    found = stage.attempt(SEVERAL, authorized("a", 5, slug=SEVERAL), second=10)

    assert set(recorded(found, "configs")) == {f"{ACCOUNT}/{two}"}
    assert "connected, but without a config" in str(found.outcomes[("host", "a")].detail)


def test_two_auth_types_of_one_connection_have_one_config(stage: Stage) -> None:
    for auth_type in ("oauth2", "keybased"):
        stage.connect(TYPES, 1, auth_type=auth_type)
    found = stage.attempt(TYPES, authorized("a", 5), second=10)

    assert stage.calls() == ["read", "POST"]
    assert set(recorded(found, "configs")) == {ACCOUNT}


# --- changing ---------------------------------------------------------------------------------------------------------


def change(id_: str, second: float, mark: str, connection_id: str | None = None, **columns: object) -> Entry:
    """A change of the first field of the application's config."""
    named = {} if connection_id is None else {"connection_id": connection_id}
    return changed(id_, second, {**named, "fields": {"account_code": mark}}, slug=SEVERAL, **columns)


def test_each_change_goes_to_the_config_of_its_connection(stage: Stage) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    entries: Sequence[Entry] = [change("a", 5, "One", one), change("b", 6, "Two", two), change("c", 7, "Both")]
    found = stage.attempt(SEVERAL, *entries, second=10)

    assert ended_as(found) == {"a": "done", "b": "done", "c": "dead"}
    values = [stage.client.fetch_config(ACCOUNT, SEVERAL, connection_id=id_).values for id_ in (one, two)]
    assert [each["account_code"] for each in values] == ["One", "Two"]
    assert_as_at_cobalt(found, stage.client)


def test_a_late_change_does_not_undo_one_that_meant_the_only_connection_then(stage: Stage) -> None:
    one = stage.connect(SEVERAL, 1)
    only = change("b", 6, "Later")
    first = stage.attempt(SEVERAL, only, second=10)
    assert first.effects == {only.logged.key: {"connection_id": one}}

    stage.connect(SEVERAL, 20)
    done = change("b", 6, "Later", status="done", effect=first.effects[only.logged.key])
    stage.attempt(SEVERAL, change("a", 5, "Earlier", one), second=30, ended=[done])
    assert stage.client.fetch_config(ACCOUNT, SEVERAL, connection_id=one).values["account_code"] == "Later"


def test_a_change_of_a_removed_connection_ends_with_it_and_the_others_go_on(stage: Stage) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    entries = [
        change("a", 5, "One", one),
        change("b", 6, "Two", two),
        leave("r", 7, connection_id=one),
        change("c", 8, "Late", one),
    ]
    found = stage.attempt(SEVERAL, *entries, second=100)

    assert ended_as(found) == {"a": "superseded", "b": "done", "r": "done", "c": "dead"}
    assert found.outcomes[("host", "c")].move == "customer"
    assert_as_at_cobalt(found, stage.client)
