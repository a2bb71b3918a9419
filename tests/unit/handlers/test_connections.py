"""How a connection is mirrored, when an authorisation is believed to have failed, and what a removal makes moot."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import ConnectedAccount
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.authorizing import _is_shown
from cobalt_mirror.workers.handlers.connections import _supersede_what_was_removed_later
from cobalt_mirror.workers.handlers.reading import connection_columns
from tests.unit.entries import at, authorized, changed, removed
from tests.unit.handlers.subjects import ended_as, findings


def connected(second: float | None = 0, auth_type: str = "oauth2", *, status: str = "active") -> ConnectedAccount:
    return ConnectedAccount(auth_type=auth_type, status=status, connected_at=None if second is None else at(second))


OAUTH, KEY = connected(), connected(5, "keybased")
EXPIRED = connected(status="expired")

#: The connected accounts, whether Cobalt wants them authorised again, the status, and since when it is connected.
MIRRORED = [
    pytest.param([], False, "disconnected", None, id="none"),
    pytest.param([], True, "disconnected", None, id="none, and yet it is to be authorised again"),
    pytest.param([OAUTH], False, "connected", 0, id="one"),
    pytest.param([OAUTH], True, "reauth_required", 0, id="one that is to be authorised again"),
    pytest.param([EXPIRED], False, "reauth_required", 0, id="an expired one"),
    pytest.param([EXPIRED], True, "reauth_required", 0, id="an expired one, and Cobalt says so twice"),
    pytest.param([connected(status="paused")], False, "reauth_required", 0, id="one of a status that nobody knows"),
    pytest.param([OAUTH, KEY], False, "connected", 5, id="two: since the last"),
    pytest.param([KEY, OAUTH], False, "connected", 5, id="two, the last one first"),
    pytest.param([EXPIRED, KEY], False, "reauth_required", 5, id="the first of two is expired"),
    pytest.param([KEY, EXPIRED], False, "reauth_required", 5, id="the last of two is expired"),
    pytest.param([connected(None)], False, "connected", None, id="one without a time"),
    pytest.param([connected(None), KEY], False, "connected", 5, id="the first of two without a time"),
    pytest.param([OAUTH, connected(None)], False, "connected", 0, id="the last of two without a time"),
]


@pytest.mark.parametrize(("accounts", "needs_reauth", "status", "since"), MIRRORED)
def test_a_connection_works_while_every_account_of_it_does(
    accounts: list[ConnectedAccount], needs_reauth: bool, status: str, since: float | None
) -> None:
    columns = connection_columns(accounts, needs_reauth=needs_reauth)

    assert columns["status"] is ConnectionStatus(status)
    assert columns["connected_at"] == (None if since is None else at(since))
    assert [account["status"] for account in columns["accounts"]] == [account.status for account in accounts]


def test_no_status_of_a_connection_is_missing_from_the_table() -> None:
    assert {row.values[2] for row in MIRRORED} == set(ConnectionStatus)


def test_a_connected_account_is_mirrored_with_its_time_in_one_form() -> None:
    account = ConnectedAccount(auth_type="oauth2", identifier={"team": "t"}, connected_at=at(1.5))

    assert connection_columns([account, connected(None, "keybased", status="expired")])["accounts"] == [
        {
            "identifier": {"team": "t"},
            "auth_type": "oauth2",
            "connected_at": "2026-01-31T12:00:01.500000Z",
            "status": "active",
        },
        {"identifier": None, "auth_type": "keybased", "connected_at": None, "status": "expired"},
    ]
    assert connection_columns([OAUTH])["status"] is ConnectionStatus.CONNECTED


# --- authorisations ---------------------------------------------------------------------------------------------------

#: The auth type that the authorisation names, the connected accounts, and whether it shows among them.
SHOWN = [
    pytest.param(None, [], False, id="none is connected"),
    pytest.param("oauth2", [], False, id="none is connected, and one is named"),
    pytest.param(None, [OAUTH], True, id="any"),
    pytest.param("oauth2", [OAUTH], True, id="the one that is named"),
    pytest.param("keybased", [OAUTH], False, id="another one than is named"),
    pytest.param("keybased", [OAUTH, KEY], True, id="the last of two"),
    pytest.param("oauth2", [OAUTH, KEY], True, id="the first of two"),
    pytest.param(None, [EXPIRED], False, id="an expired one"),
    pytest.param("oauth2", [EXPIRED], False, id="the one that is named is expired"),
    pytest.param("oauth2", [EXPIRED, KEY], False, id="the one that is named is expired, and another works"),
    pytest.param(None, [EXPIRED, KEY], True, id="any that works"),
]


@pytest.mark.parametrize(("auth_type", "accounts", "expected"), SHOWN)
def test_an_authorisation_shows_if_what_it_names_works(
    auth_type: str | None, accounts: list[ConnectedAccount], expected: bool
) -> None:
    assert _is_shown(authorized("a", auth_type=auth_type), accounts) is expected


ONE, TWO = (OAUTH.model_copy(update={"connection_id": id_}) for id_ in ("c1", "c2"))
ONE_EXPIRED = ONE.model_copy(update={"status": "expired"})


@pytest.mark.parametrize(
    ("named", "accounts", "expected"),
    [
        pytest.param({}, [ONE, TWO], True, id="any"),
        pytest.param({"connection_id": "c2"}, [ONE, TWO], True, id="the one that is named"),
        pytest.param({"connection_id": "c3"}, [ONE, TWO], False, id="another one than is named"),
        pytest.param({"connection_id": "c1"}, [ONE_EXPIRED, TWO], False, id="it is expired, and another works"),
        pytest.param({"connection_id": "c1", "auth_type": "keybased"}, [ONE], False, id="it has another auth type"),
        pytest.param({"connection_id": "c1"}, [OAUTH], False, id="an id, and the application has none"),
    ],
)
def test_an_authorisation_of_one_connection_shows_if_that_works(
    named: dict[str, Any], accounts: list[ConnectedAccount], expected: bool
) -> None:
    assert _is_shown(authorized("a", **named), accounts) is expected


def test_only_an_authorisation_shows() -> None:
    assert not _is_shown(removed("a"), [OAUTH])


# --- what a removal makes moot ----------------------------------------------------------------------------------------


def total(id_: str, second: float, *, status: str = "done", total: bool = True) -> Entry:
    return removed(id_, second, status=status, effect={"total": total, "disconnected": []})


#: The events that wait, those that ended, and those that are superseded.
MOOT = [
    pytest.param([], [], "", id="nothing"),
    pytest.param([authorized("a", 1), changed("c", 1)], [], "", id="no removal"),
    pytest.param([authorized("a", 1), changed("c", 1)], [total("r", 2)], "ac", id="a later removal"),
    pytest.param([authorized("a", 1), changed("c", 3)], [total("r", 2)], "a", id="a removal between"),
    pytest.param([authorized("a", 3), changed("c", 3)], [total("r", 2)], "", id="an earlier removal"),
    pytest.param([authorized("a", 2)], [total("r", 2)], "a", id="in the same moment, with a higher id"),
    pytest.param([authorized("s", 2)], [total("r", 2)], "", id="in the same moment, with a lower id"),
    pytest.param([authorized("a", 1)], [total("r", 2, total=False)], "", id="a removal that left something"),
    pytest.param([authorized("a", 1)], [removed("r", 2, status="done")], "", id="a removal of which nothing is kept"),
    pytest.param([authorized("a", 1)], [total("r", 2, status="dead")], "", id="a removal that is dead"),
    pytest.param([removed("a", 1)], [total("r", 2)], "", id="an earlier removal that waits is carried out"),
    pytest.param([authorized("a", 1)], [total("r", 0), total("s", 2)], "a", id="the last of two removals"),
    pytest.param([authorized("a", 1)], [total("r", 2), total("s", 0)], "a", id="the first of two removals"),
]


@pytest.mark.parametrize(("pending", "ended", "superseded"), MOOT)
def test_what_a_later_removal_removed_stays_removed(pending: list[Entry], ended: list[Entry], superseded: str) -> None:
    found = findings(*pending, ended=ended)

    assert _supersede_what_was_removed_later(found.loaded, found) is bool(superseded)
    assert ended_as(found) == dict.fromkeys(superseded, "superseded")
