"""Which connection a change of a config means, and whether the application must be read to tell."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from cobalt_mirror.cobalt import Application, ConnectedAccount
from cobalt_mirror.db.rows import ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.naming import Names, must_be_read, name_changes
from tests.unit.entries import ACCOUNT, SLUG, changed, config_removed, removed
from tests.unit.handlers.links import link, stamp
from tests.unit.handlers.subjects import findings


def change(id_: str = "c", second: float = 5, *, named: str | None = None, **columns: Any) -> Entry:
    """A change that names this connection, or none."""
    content = {"fields": {"x": 1}}
    return changed(id_, second, content if named is None else {"connection_id": named, **content}, **columns)


def named_by(entry: Entry | None) -> Any:
    return None if entry is None else getattr(entry.event, "connection_id", None)


# --- whether the application must be read -----------------------------------------------------------------------------

#: What the catalogue says of whether the application holds several connections.
CATALOGUE: dict[str, bool | None] = {"nothing": None, "one": False, "several": True}
#: What the mirror's row of the connection shows; None: there is no row.
MIRROR: dict[str, Any] = {
    "no row": None,
    "a row of a listing": {"status": ConnectionStatus.CONNECTED, "accounts": None},
    "disconnected": {"status": ConnectionStatus.DISCONNECTED, "accounts": []},
    "one without an id": {"status": ConnectionStatus.CONNECTED, "accounts": stamp(link(0))},
    "one with an id": {"status": ConnectionStatus.CONNECTED, "accounts": stamp(link(0, connection_id="c1"))},
}
#: What the catalogue and the mirror tell; whether a change that names no connection needs a read.
READ = [
    ("nothing", "no row", True),
    ("nothing", "a row of a listing", True),
    ("nothing", "disconnected", True),
    ("nothing", "one without an id", False),
    ("nothing", "one with an id", True),
    ("one", "no row", False),
    ("one", "a row of a listing", False),
    ("one", "disconnected", False),
    ("one", "one without an id", False),
    ("one", "one with an id", True),
    ("several", "no row", True),
    ("several", "a row of a listing", True),
    ("several", "disconnected", True),
    ("several", "one without an id", True),
    ("several", "one with an id", True),
]


@pytest.mark.parametrize(("catalogue", "mirror", "expected"), READ, ids=[f"{row[0]}; {row[1]}" for row in READ])
def test_an_application_is_read_where_only_that_tells_which_connection_is_meant(
    catalogue: str, mirror: str, expected: bool
) -> None:
    columns = MIRROR[mirror]
    row = None if columns is None else ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, **columns)
    loaded = findings(has_multi_auth=CATALOGUE[catalogue], connection=row).loaded

    assert must_be_read(loaded, [change()]) is expected
    assert must_be_read(loaded, [change(), change(named="c1")])
    assert not must_be_read(loaded, [])


def test_no_combination_of_catalogue_and_mirror_is_missing() -> None:
    assert [row[:2] for row in READ] == list(product(CATALOGUE, MIRROR))


# --- which connection is meant ----------------------------------------------------------------------------------------

R = removed("r", 10)
#: Whether there may be several, the ids now, the ids that removals took, what is named; what it means then.
#: None: it cannot be told or is not there; "": a config of an application with one connection.
COMPLETED = [
    pytest.param(False, [], [], None, "", id="one connection"),
    pytest.param(False, [], [], "c1", None, id="one connection, and an id is named"),
    pytest.param(True, [], [], None, None, id="none is there"),
    pytest.param(True, [], [], "c1", None, id="none is there, and one is named"),
    pytest.param(True, ["c1"], [], None, "c1", id="the only one"),
    pytest.param(True, ["c1"], [], "c1", "c1", id="the only one, by name"),
    pytest.param(True, ["c1"], [], "c2", None, id="another one than the only one"),
    pytest.param(True, ["c1", "c2"], [], None, None, id="which of two?"),
    pytest.param(True, ["c1", "c2"], [], "c2", "c2", id="one of two"),
    pytest.param(True, ["c1", "c2"], [], "c3", None, id="none of two"),
    pytest.param(True, ["c1"], [(R, "c2")], None, None, id="which of two, one of which was removed later?"),
    pytest.param(True, ["c1"], [(removed("r", 4), "c2")], None, "c1", id="the only one since a removal before it"),
    pytest.param(True, ["c1"], [(removed("b", 5), "c2")], None, "c1", id="removed in the same moment, before it"),
    pytest.param(True, ["c1"], [(removed("d", 5), "c2")], None, None, id="removed in the same moment, after it"),
    pytest.param(True, ["c1"], [(R, "c1")], None, "c1", id="the only one was removed later, and is there"),
    pytest.param(True, [], [(R, "c1")], None, None, id="the only one is removed"),
    pytest.param(True, [], [(R, "c1"), (R, "c2")], None, None, id="both are removed"),
    pytest.param(True, ["c1"], [(R, "c2")], "c1", "c1", id="by name, whatever was removed"),
]


@pytest.mark.parametrize(("several", "ids", "taken", "named", "expected"), COMPLETED)
def test_a_change_means_the_connection_that_it_names_or_the_only_one(
    *,
    several: bool,
    ids: Sequence[str],
    taken: Sequence[tuple[Entry, str]],
    named: str | None,
    expected: str | None,
) -> None:
    completed = Names(holds_several=several, ids=ids, taken=taken).complete(change(named=named))

    assert (completed is None) == (expected is None)
    assert named_by(completed) == (expected or None)


@pytest.mark.parametrize(
    ("effect", "ids", "expected"),
    [
        pytest.param({"connection_id": "c1"}, ["c1", "c2"], "c1", id="the only one of then"),
        pytest.param({"connection_id": "c1"}, ["c2"], None, id="the only one of then is gone"),
        pytest.param({"connection_id": "c1", "config": True}, ["c1"], "c1", id="of a refused change"),
        pytest.param(None, ["c1"], None, id="there was none with an id"),
    ],
)
@pytest.mark.parametrize("status", ["done", "dead"])
def test_a_change_that_ended_means_what_it_meant_then(
    status: str, effect: Any, ids: list[str], expected: str | None
) -> None:
    entry = change(status=status, effect=effect)

    assert named_by(Names(holds_several=True, ids=ids).complete(entry)) == expected


def application(*ids: str | None, several: bool = False) -> Application:
    accounts = [{"auth_type": "oauth2", "connection_id": id_} for id_ in ids]
    return Application.model_validate(
        {"slug": SLUG, "name": "Jira", "has_multi_auth_enabled": several, "connected_accounts": accounts}
    )


@pytest.mark.parametrize(
    ("read", "left", "expected"),
    [
        pytest.param(application(), 0, (False, []), id="nothing is connected"),
        pytest.param(application(None), 1, (False, []), id="one connection without an id"),
        pytest.param(application(several=True), 0, (True, []), id="nothing is connected, there may be several"),
        pytest.param(application("c1"), 1, (True, ["c1"]), id="the ids say that there may be several"),
        pytest.param(application("c1", "c2", several=True), 2, (True, ["c1", "c2"]), id="two"),
        pytest.param(application("c1", "c2", several=True), 1, (True, ["c1"]), id="one is left of two"),
        pytest.param(application("c1"), 0, (True, []), id="none is left of one"),
    ],
)
def test_a_read_tells_which_connections_there_are(
    read: Application, left: int, expected: tuple[bool, list[str]]
) -> None:
    accounts: Sequence[ConnectedAccount] = read.connected_accounts[:left]
    names = Names.shown(read, accounts, taken=[(R, "c9")])

    assert (names.holds_several, names.ids, names.taken) == (*expected, [(R, "c9")])


# --- what becomes of a change that means none -------------------------------------------------------------------------

TWO = Names(holds_several=True, ids=["c1", "c2"])
NONE = Names(holds_several=True)
#: The connections, what is named and how old the row is; how it ends, whose move it is, and words of the reason.
ENDS = [
    pytest.param(Names(), "c1", 0, "dead", "operator", "without connection_id", id="an id, and there are none"),
    pytest.param(TWO, None, 0, "dead", "operator", "which of them? The customer has 2 connections", id="which of two?"),
    pytest.param(
        Names(holds_several=True, ids=["c1"], taken=[(R, "c2")]),
        None,
        0,
        "dead",
        "operator",
        "which of them?",
        id="which of two, one of which was removed later?",
    ),
    pytest.param(TWO, "c3", 0, "snooze", None, "does not show the connection yet", id="it may still come"),
    pytest.param(TWO, "c3", 29.9, "snooze", None, "does not show the connection yet", id="just fresh"),
    pytest.param(TWO, "c3", 30, "dead", "customer", "does not show a connection 'c3'", id="it will not come"),
    pytest.param(NONE, None, 0, "snooze", None, "does not show the connection yet", id="one may still come"),
    pytest.param(NONE, None, 30, "dead", "customer", "does not show any connection", id="none will come"),
]


@pytest.mark.parametrize(("names", "named", "age", "verdict", "move", "words"), ENDS)
def test_a_change_of_what_cannot_be_told_says_whose_move_it_is(
    *, names: Names, named: str | None, age: float, verdict: str, move: str | None, words: str
) -> None:
    entry = change(named=named)
    found = findings(entry, second=5 + age)

    assert name_changes(found.loaded, found, [entry], names) == []
    outcome = found.outcomes[entry.logged.key]
    assert (outcome.verdict, outcome.move) == (verdict, move)
    assert words in str(outcome.detail)
    assert outcome.delay == (timedelta(seconds=2) if verdict == "snooze" else None)
    assert found.effects == {}


@pytest.mark.parametrize("age", [0, 29.9, 30])
@pytest.mark.parametrize("named", [None, "c3"])
@pytest.mark.parametrize("make", [changed, config_removed], ids=["an empty change", "a removal of a config"])
def test_what_wants_nothing_made_is_done_where_nothing_is_connected(
    make: Callable[..., Entry], named: str | None, age: float
) -> None:
    entry = make("c", 5, {} if named is None else {"connection_id": named})
    found = findings(entry, second=5 + age)

    assert name_changes(found.loaded, found, [entry], NONE) == []
    assert found.outcomes[entry.logged.key].verdict == ("snooze" if age < 30 else "done")


def test_a_removal_of_a_config_says_which_of_several_connections_it_means() -> None:
    entry = config_removed("c", 5)
    found = findings(entry, second=60)

    assert name_changes(found.loaded, found, [entry], TWO) == []
    assert found.outcomes[entry.logged.key].move == "operator"
    assert [named_by(each) for each in name_changes(found.loaded, found, [entry], replace(TWO, ids=["c1"]))] == ["c1"]


def test_changes_get_the_name_of_the_only_connection_and_keep_it() -> None:
    own, other, bad = change("a"), change("b", named="c1"), change("d", named="c2")
    found = findings(own, other, bad, second=60)
    named = name_changes(found.loaded, found, [own, other, bad], Names(holds_several=True, ids=["c1"]))

    assert [(entry.logged.id, named_by(entry)) for entry in named] == [("a", "c1"), ("b", "c1")]
    assert found.effects == {own.logged.key: {"connection_id": "c1"}}
    assert set(found.outcomes) == {bad.logged.key}


def test_changes_of_an_application_with_one_connection_stay_as_they_are() -> None:
    entries = [change("a"), change("b")]
    found = findings(*entries)

    assert name_changes(found.loaded, found, entries, Names()) == entries
    assert (found.effects, found.outcomes) == ({}, {})
