"""What becomes of the waiting events when an account is deleted, and what a second look makes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, CobaltError, KeyRefused, Refused, ServerError, UnexpectedAnswer, UnknownAccount
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.denials import Denial
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.errors import AccountDenied
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.findings import WantedCheck
from cobalt_mirror.workers.handlers.offboarding import check_deleted, offboard
from tests.unit.entries import ACCOUNT, at, deleted, signed_up
from tests.unit.handlers.subjects import CHECK, ended_as, findings, receipt

#: The shortest time in which a delayed write surely has landed.
DELAY = timedelta(seconds=60)


def done(id_: str, second: float) -> Entry:
    return signed_up(id_, second, status="done")


#: The events that wait and those that ended; what becomes of them, and which sign-ups go on.
DELETED = [
    pytest.param([], [], {}, "", id="nothing waits"),
    pytest.param([signed_up("a", 1)], [], {}, "a", id="no deletion waits"),
    pytest.param([deleted("d", 2)], [], {"d": "done"}, "", id="a deletion"),
    pytest.param(
        [signed_up("a", 1), deleted("d", 2)], [], {"a": "superseded", "d": "done"}, "", id="a sign-up before it"
    ),
    pytest.param(
        [deleted("d", 2), signed_up("e", 2)],
        [],
        {"d": "done", "e": "superseded"},
        "",
        id="a sign-up in the same moment",
    ),
    pytest.param([deleted("d", 2), signed_up("e", 3)], [], {"d": "done"}, "e", id="a sign-up after it"),
    pytest.param(
        [deleted("c", 1), deleted("d", 2)], [], {"c": "superseded", "d": "done"}, "", id="two deletions are one"
    ),
    pytest.param(
        [deleted("b", 1), signed_up("c", 2), deleted("d", 3), signed_up("e", 4)],
        [],
        {"b": "superseded", "c": "superseded", "d": "done"},
        "e",
        id="a generation between two deletions",
    ),
    pytest.param([deleted("d", 2)], [done("e", 3)], {"d": "dead"}, "", id="a newer sign-up is done"),
    pytest.param([deleted("d", 2)], [done("e", 2)], {"d": "done"}, "", id="one in the same moment is done"),
    pytest.param(
        [deleted("d", 2)], [signed_up("e", 3, status="dead")], {"d": "done"}, "", id="a newer sign-up is dead"
    ),
    pytest.param([deleted("d", 2)], [deleted("e", 3, status="done")], {"d": "done"}, "", id="a newer one is done"),
    pytest.param(
        [deleted("b", 1), deleted("d", 3)],
        [done("c", 2)],
        {"b": "superseded", "d": "done"},
        "",
        id="a sign-up is done between two deletions",
    ),
    pytest.param(
        [signed_up("b", 1), deleted("c", 2), deleted("d", 3), signed_up("f", 5)],
        [done("e", 4)],
        {"c": "dead", "d": "dead"},
        "bf",
        id="a sign-up is done after two deletions",
    ),
]


@pytest.mark.parametrize(("pending", "ended", "outcomes", "left"), DELETED)
def test_the_last_deletion_ends_all_that_is_no_newer(
    *,
    pending: list[Entry],
    ended: list[Entry],
    outcomes: dict[str, str],
    left: str,
    calling: Callable[[str], Caller],
    client: Client,
) -> None:
    client.upsert_account(ACCOUNT)
    cobalt, found, asks = calling(""), findings(*pending, ended=ended, second=9, slug=""), "done" in outcomes.values()
    sign_ups = offboard(found.loaded, cobalt, found)

    assert ended_as(found) == outcomes
    assert [entry.logged.id for entry in sign_ups] == list(left)
    assert cobalt.has_called is found.erases_account is found.is_deleted is asks
    assert (found.receipt is not None) is asks
    assert found.receipt is None or (found.receipt.event_id, found.receipt.gone_at) == ("d", at(9))
    second_look = WantedCheck(slug="", delay=DELAY, reason="a second read, to confirm that the account is deleted")
    assert found.checks == ([second_look] if asks else [])
    assert is_at_cobalt(client) is not asks


def is_at_cobalt(client: Client) -> bool:
    try:
        client.fetch_account(ACCOUNT)
    except UnknownAccount:
        return False
    return True


#: What Cobalt answers to the deletion, and what becomes of a sign-up that waits; None: it waits as before.
FAILED = [
    pytest.param(HTTPStatus.UNPROCESSABLE_ENTITY, Refused, timedelta(seconds=900), id="it is refused"),
    pytest.param(HTTPStatus.FORBIDDEN, KeyRefused, timedelta(seconds=900), id="the key may not do it"),
    pytest.param(HTTPStatus.INTERNAL_SERVER_ERROR, ServerError, None, id="it fails for now"),
    pytest.param(HTTPStatus.CONFLICT, Refused, None, id="something else is written"),
    pytest.param(HTTPStatus.NOT_FOUND, UnexpectedAnswer, None, id="there is no such account, and yet it shows"),
]


@pytest.mark.parametrize(("status", "error", "delay"), FAILED)
def test_a_deletion_that_fails_leaves_the_account(
    *,
    status: HTTPStatus,
    error: type[CobaltError],
    delay: timedelta | None,
    calling: Callable[[str], Caller],
    client: Client,
    sandbox: Sandbox,
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.add_faults(Fault(route="delete_account", status=status))
    sign_up, found = signed_up("e", 3), findings(deleted("d", 2), signed_up("e", 3), second=9, slug="")
    with pytest.raises(error):
        offboard(found.loaded, calling(""), found)

    assert {key: outcome.delay for key, outcome in found.outcomes.items()} == (
        {} if delay is None else {sign_up.logged.key: delay}
    )
    assert (found.receipt, found.erases_account, found.is_deleted, found.checks) == (None, False, False, [])


def denied(*, since: float, number: int = 1) -> Denial:
    return Denial(since=at(since), denied=number, accounts=10)


#: What the mirror shows, what else was loaded, and whether it is believed that Cobalt has no such account.
DENIED = [
    pytest.param(None, {}, True, id="the mirror does not know it"),
    pytest.param("missing", {}, True, id="the mirror knows that it is missing"),
    pytest.param("active", {}, False, id="the mirror shows it"),
    pytest.param("active", {"is_in_doubt": True}, True, id="a call of ours may have deleted it"),
    pytest.param("active", {"denial": denied(since=-5)}, False, id="for five seconds"),
    pytest.param("active", {"denial": denied(since=-5), "is_in_doubt": True}, False, id="for five, with its check"),
    pytest.param("active", {"denial": denied(since=-15)}, True, id="for fifteen seconds"),
    pytest.param("active", {"denial": denied(since=-15, number=5)}, False, id="like all others"),
]


@pytest.mark.parametrize(("account", "loaded", "expected"), DENIED)
def test_an_account_that_is_gone_already_is_looked_at_again(
    account: str | None, loaded: dict[str, Any], *, expected: bool, calling: Callable[[str], Caller]
) -> None:
    found = findings(deleted("d", -9), slug="", account=account, **loaded)
    if expected:
        assert offboard(found.loaded, calling(""), found) == []
        assert ended_as(found) == {"d": "done"}
        assert (found.erases_account, found.is_denied) == (True, False)
    else:
        with pytest.raises(AccountDenied):
            offboard(found.loaded, calling(""), found)
        assert (found.erases_account, found.is_denied, found.outcomes) == (False, True, {})


# --- looking again ----------------------------------------------------------------------------------------------------

CONFIRMED = receipt(0, confirmed_at=at(60))
#: The mirror's status, the receipt, whether Cobalt has the account, the time; what the receipt says then.
LOOKED = [
    pytest.param("deleted", receipt(), False, 59.999999, "as before", id="gone, just before the second look"),
    pytest.param("deleted", receipt(), False, 60, "confirmed", id="gone at the second look"),
    pytest.param("deleted", receipt(), False, 61, "confirmed", id="gone after the second look"),
    pytest.param("deleted", receipt(), True, 59, "deleted again", id="alive before the second look"),
    pytest.param("deleted", receipt(), True, 60, "deleted again", id="alive at the second look"),
    pytest.param("deleted", CONFIRMED, False, 90, "as before", id="gone, and confirmed before"),
    pytest.param("deleted", CONFIRMED, True, 90, "made anew", id="alive, although confirmed before"),
    pytest.param("active", receipt(), True, 60, "not confirmed", id="a new generation, not confirmed before"),
    pytest.param("active", CONFIRMED, True, 90, "as before", id="a new generation, confirmed before"),
    pytest.param("active", receipt(note="a note"), True, 60, "as before", id="a new generation, noted before"),
    pytest.param("deleted", None, True, 60, "as before", id="there is no receipt"),
]


@pytest.mark.parametrize(("account", "of", "is_alive", "second", "says"), LOOKED)
def test_a_deleted_account_is_looked_at_again(
    *,
    account: str,
    of: Deletion | None,
    is_alive: bool,
    second: float,
    says: str,
    calling: Callable[[str], Caller],
    client: Client,
) -> None:
    if is_alive:
        client.upsert_account(ACCOUNT)
    cobalt, found = calling(""), findings(second=second, slug="", account=account, receipt=of, check=CHECK)

    assert check_deleted(found.loaded, cobalt, found) is (account == "deleted" and of is not None)
    assert says_of(found.receipt, second) == says
    assert bool(found.checks) is (says == "deleted again")
    assert says != "deleted again" or found.receipt == replace(receipt(), gone_at=at(second))
    assert is_at_cobalt(client) is (is_alive and says != "deleted again")


def says_of(found: Deletion | None, second: float) -> str:
    if found is None:
        return "as before"
    if found.note is not None:
        return "made anew" if found.note.startswith("Cobalt has an account with this id again") else "not confirmed"
    return "confirmed" if found.confirmed_at == at(second) else "deleted again"


def test_without_a_check_nothing_is_looked_at(calling: Callable[[str], Caller]) -> None:
    cobalt, found = calling(""), findings(slug="", account="deleted", receipt=receipt())

    assert not check_deleted(found.loaded, cobalt, found)
    assert not cobalt.has_called


def test_what_was_made_anew_while_a_sign_up_waits_is_no_wonder(
    calling: Callable[[str], Caller], client: Client
) -> None:
    client.upsert_account(ACCOUNT)
    found = findings(signed_up("a", 80), second=90, slug="", account="deleted", receipt=CONFIRMED, check=CHECK)

    assert check_deleted(found.loaded, calling(""), found)
    assert found.receipt is None
