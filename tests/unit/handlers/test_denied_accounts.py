"""What is done when Cobalt says that it does not have an account which the mirror shows."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, LinkedAccount, UnexpectedAnswer
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db.denials import Denial
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.statuses import AccountStatus, Expected
from cobalt_mirror.workers.errors import AccountDenied, AccountGone
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.accounts import handle_account, is_older, with_account
from tests.unit.entries import ACCOUNT, at
from tests.unit.handlers.subjects import CHECK, findings

FEW, MANY = {"denied": 2, "accounts": 2}, {"denied": 3, "accounts": 3}
#: The account's status, since when Cobalt denies it and of how many it does; when it is asked again (None: as after a
#: failure; "gone": it is believed), and the status that is found.
DENIED = [
    pytest.param("active", None, 2, None, id="for the first time"),
    pytest.param("active", Denial(since=at(-2), **FEW), 3, None, id="since two seconds"),
    pytest.param("active", Denial(since=at(-14), **FEW), 1, None, id="nearly long enough"),
    pytest.param("active", Denial(since=at(-15), **FEW), "gone", "missing", id="long enough"),
    pytest.param("active", Denial(since=at(-14), **MANY), 1, None, id="with many others, not long enough"),
    pytest.param("active", Denial(since=at(-15), **MANY), None, None, id="with many others: an outage"),
    pytest.param("missing", None, "gone", None, id="it is known to be missing"),
    pytest.param("deleted", Denial(since=at(-15), **FEW), "gone", "missing", id="it was deleted"),
]


@pytest.mark.parametrize(("account", "denial", "wait", "status"), DENIED)
def test_an_account_that_was_there_is_looked_for_before_it_is_missing(
    *, account: str, denial: Denial | None, wait: Any, status: str | None, calling: Callable[[str], Caller]
) -> None:
    cobalt, found = calling("jira"), findings(account=account, denial=denial)
    with pytest.raises((AccountGone, AccountDenied)) as raised:
        with_account(cobalt, found, cobalt.fetch_account)

    if isinstance(raised.value, AccountDenied):
        assert wait == (None if raised.value.delay is None else raised.value.delay.total_seconds())
        assert found.is_denied
    else:
        assert wait == "gone"
    assert [change.columns["status"] for change in found.changes] == ([] if status is None else [status])


def test_one_wrong_answer_changes_nothing(sandbox: Sandbox, client: Client, calling: Callable[[str], Caller]) -> None:
    client.upsert_account(ACCOUNT)
    unknown = {"status": HTTPStatus.BAD_REQUEST, "error": "INVALID_LINKED_ACCOUNT_ID"}
    sandbox.add_faults(Fault(route="read_application", times=1, **unknown))
    cobalt, found = calling("jira"), findings()

    assert with_account(cobalt, found, cobalt.fetch_application).slug == "jira"
    assert [change.columns["status"] for change in found.changes] == ["active"]


def test_answers_that_contradict_each_other_are_believed_by_nobody(
    sandbox: Sandbox, client: Client, calling: Callable[[str], Caller]
) -> None:
    client.upsert_account(ACCOUNT)
    unknown = {"status": HTTPStatus.BAD_REQUEST, "error": "INVALID_LINKED_ACCOUNT_ID"}
    sandbox.add_faults(Fault(route="read_application", **unknown))
    cobalt, found = calling("jira"), findings()
    with pytest.raises(UnexpectedAnswer):
        with_account(cobalt, found, cobalt.fetch_application)


@pytest.mark.parametrize("is_expected", [False, True])
def test_a_check_believes_at_once_what_the_listing_says_as_well(
    is_expected: bool, calling: Callable[[str], Caller]
) -> None:
    check = replace(CHECK, expects=Expected.GONE if is_expected else None)
    found = findings(slug="", check=check)
    if is_expected:
        handle_account(found.loaded, calling(""), found)
    else:
        with pytest.raises(AccountDenied):
            handle_account(found.loaded, calling(""), found)

    assert [change.columns["status"] for change in found.changes] == [AccountStatus.MISSING] * is_expected


def row(status: str, *, verified: float | None = 0, name: str | None = "New") -> AccountRow:
    verified_at = None if verified is None else at(verified)
    return AccountRow(
        linked_account_id=ACCOUNT, status=AccountStatus(status), name=name, udf={}, verified_at=verified_at
    )


def shown(name: str | None = "Old") -> LinkedAccount:
    return LinkedAccount(linked_account_id=ACCOUNT, name=name, udf={})


#: What a read shows, the mirror's row, the time, and whether the read is older.
OLDER = [
    pytest.param(shown(), None, 0, False, id="the mirror has no row"),
    pytest.param(None, None, 0, False, id="there is none on either side"),
    pytest.param(None, row("active"), 3_600, True, id="an active account is denied, whenever"),
    pytest.param(None, row("active", verified=None), 0, True, id="one that was never read is denied"),
    pytest.param(None, row("missing"), 0, False, id="a missing one is missing"),
    pytest.param(None, row("deleted"), 0, False, id="a deleted one is gone"),
    pytest.param(shown(), row("deleted"), 29.9, True, id="one that was deleted just now shows"),
    pytest.param(shown(), row("deleted"), 30, False, id="one that was deleted half a minute ago shows"),
    pytest.param(shown(), row("active"), 29.9, True, id="another name than a moment ago"),
    pytest.param(shown(), row("active"), 30, False, id="another name than half a minute ago"),
    pytest.param(shown(), row("active", verified=None), 0, False, id="another name than one that was never read"),
    pytest.param(shown("New"), row("active"), 0, False, id="as mirrored"),
    pytest.param(shown(), row("missing"), 0, False, id="a missing one shows again"),
    pytest.param(shown(), row("pending"), 0, False, id="one whose sign-up waits shows"),
]


@pytest.mark.parametrize(("current", "mirrored", "second", "expected"), OLDER)
def test_a_sign_up_waits_for_a_read_that_is_no_older_than_the_mirror(
    current: Any, mirrored: Any, second: float, *, expected: bool
) -> None:
    assert is_older(current, mirrored, now=at(second)) is expected
