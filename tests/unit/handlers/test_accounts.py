"""What one attempt at an account does at Cobalt, by what Cobalt has of it and which sign-ups wait."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, Refused, UnknownAccount
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.accounts import _texts, handle_account, with_account
from tests.unit.entries import ACCOUNT, deleted, signed_up
from tests.unit.handlers.subjects import CHECK, ended_as, findings, receipt

NAME, UDF, LOGIN = {"name": "Acme"}, {"udf": {"plan": "pro"}}, {"auth_credentials": {"token": "t"}}


def done(id_: str, second: float, **payload: Any) -> Entry:
    return signed_up(id_, second, payload=payload, status="done")


def pending(id_: str, second: float, **payload: Any) -> Entry:
    return signed_up(id_, second, payload=payload)


#: What Cobalt has, the events; how they end, the calls, and what Cobalt has then.
ROWS = [
    pytest.param(
        None,
        [pending("a", 1, **NAME, **UDF)],
        {"a": "done"},
        ["upsert_account"],
        {**NAME, **UDF},
        id="the whole account",
    ),
    pytest.param(
        None,
        [pending("a", 1)],
        {"a": "done"},
        ["read_account", "upsert_account"],
        {"name": None, "udf": {}},
        id="nothing of it, and Cobalt has none",
    ),
    pytest.param(
        {**NAME, **UDF}, [pending("a", 1)], {"a": "done"}, ["read_account"], {**NAME, **UDF}, id="nothing of it"
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, **NAME)],
        {"a": "done"},
        ["read_account"],
        {**NAME, **UDF},
        id="the name it has",
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, **UDF)],
        {"a": "done"},
        ["read_account"],
        {**NAME, **UDF},
        id="the fields it has",
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, name="New")],
        {"a": "done"},
        ["read_account", "upsert_account"],
        {"name": "New", **UDF},
        id="another name",
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, udf={})],
        {"a": "done"},
        ["read_account", "upsert_account"],
        {**NAME, "udf": {}},
        id="no fields any more",
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, **LOGIN)],
        {"a": "done"},
        ["read_account", "upsert_account"],
        {**NAME, **UDF},
        id="credentials, of which nobody can tell whether it has them",
    ),
    pytest.param(
        None,
        [pending("a", 1, **NAME), pending("b", 2, name="New", **UDF)],
        {"a": "superseded", "b": "done"},
        ["upsert_account"],
        {"name": "New", **UDF},
        id="two sign-ups",
    ),
    pytest.param(
        {**NAME, **UDF},
        [pending("a", 1, name="Old"), done("b", 2, **NAME)],
        {"a": "superseded"},
        [],
        {**NAME, **UDF},
        id="late: a later one set it",
    ),
    pytest.param(
        {**NAME, **UDF},
        [deleted("d", 1)],
        {"d": "done"},
        ["delete_account", "read_account"],
        None,
        id="a deletion",
    ),
    pytest.param(
        {**NAME, **UDF},
        [deleted("d", 1), pending("e", 2)],
        {"d": "done", "e": "done"},
        ["delete_account", "read_account", "upsert_account"],
        {"name": None, "udf": {}},
        id="a deletion, and then nothing is told: nothing of the old account comes back",
    ),
]


@pytest.mark.parametrize(("before", "entries", "outcomes", "calls", "after"), ROWS)
def test_sign_ups_leave_alone_what_they_do_not_name(
    *,
    before: dict[str, Any] | None,
    entries: list[Entry],
    outcomes: dict[str, str],
    calls: list[str],
    after: dict[str, Any] | None,
    sandbox: Sandbox,
    client: Client,
    calling: Callable[[str], Caller],
) -> None:
    if before is not None:
        client.upsert_account(ACCOUNT, **before)
    sandbox.reset_ledger()
    waiting = [entry for entry in entries if entry.logged.status == "pending"]
    ended = [entry for entry in entries if entry not in waiting]
    found = findings(*waiting, ended=ended, second=30, slug="", account=None if before is None else "active")
    handle_account(found.loaded, calling(""), found)

    assert ended_as(found) == outcomes
    assert [call.route for call in sandbox.calls()] == calls
    assert account_at_cobalt(client) == after
    recorded = [(change.columns["name"], change.columns["udf"]) for change in found.changes]
    signs_up = any(
        outcomes.get(entry.logged.id) == "done" for entry in waiting if isinstance(entry.event, UserSignedUp)
    )
    assert recorded == ([] if after is None or not signs_up else [(after["name"], after["udf"])])


def account_at_cobalt(client: Client) -> dict[str, Any] | None:
    try:
        account = client.fetch_account(ACCOUNT)
    except UnknownAccount:
        return None
    return {"name": account.name, "udf": account.udf}


def test_sign_ups_that_are_refused_together_are_tried_one_by_one(
    sandbox: Sandbox, calling: Callable[[str], Caller]
) -> None:
    sandbox.add_faults(Fault(route="upsert_account", status=HTTPStatus.UNPROCESSABLE_ENTITY))
    found = findings(pending("a", 1, **NAME, **UDF), pending("b", 2), slug="", account=None)
    handle_account(found.loaded, calling(""), found)

    assert ended_as(found) == {"a": "snooze", "b": "snooze"}
    assert all(outcome.alone and outcome.delay is None for outcome in found.outcomes.values())


def test_a_sign_up_that_is_refused_by_itself_ends_the_attempt(
    sandbox: Sandbox, calling: Callable[[str], Caller]
) -> None:
    sandbox.add_faults(Fault(route="upsert_account", status=HTTPStatus.UNPROCESSABLE_ENTITY))
    found = findings(pending("a", 1, **NAME, **UDF), slug="", account=None)
    with pytest.raises(Refused):
        handle_account(found.loaded, calling(""), found)

    assert found.outcomes == {}


@pytest.mark.parametrize(
    ("udf", "expected"),
    [
        pytest.param(None, None, id="not known"),
        pytest.param({}, {}, id="none"),
        pytest.param({"a": "x", "b": ""}, {"a": "x", "b": ""}, id="texts"),
        pytest.param({"a": None, "b": "x"}, {"b": "x"}, id="one without a value"),
        pytest.param({"a": 7}, {"a": "7"}, id="a number"),
    ],
)
def test_user_defined_fields_are_written_back_as_texts(udf: dict[str, Any] | None, expected: object) -> None:
    assert _texts(udf) == expected


# --- a check ----------------------------------------------------------------------------------------------------------

#: The account's status, whether Cobalt has it, whether a check is due; the status that is found, and the calls.
CHECKED = [
    pytest.param("active", True, False, None, 0, id="no check"),
    pytest.param("active", True, True, "active", 1, id="as mirrored"),
    pytest.param("missing", True, True, "active", 1, id="there again"),
    pytest.param("missing", False, True, None, 1, id="still gone"),
    pytest.param("pending", False, True, None, 1, id="not signed up yet"),
    pytest.param(None, False, True, None, 1, id="not known, and not there"),
    pytest.param(None, True, True, "active", 1, id="not known, and there"),
    pytest.param("deleted", False, True, None, 0, id="deleted, without a receipt"),
]


@pytest.mark.parametrize(("account", "is_there", "is_checked", "status", "calls"), CHECKED)
def test_a_check_reads_the_account(
    *,
    account: str | None,
    is_there: bool,
    is_checked: bool,
    status: str | None,
    calls: int,
    sandbox: Sandbox,
    client: Client,
    calling: Callable[[str], Caller],
) -> None:
    if is_there:
        client.upsert_account(ACCOUNT)
    sandbox.reset_ledger()
    found = findings(slug="", account=account, check=CHECK if is_checked else None)
    handle_account(found.loaded, calling(""), found)

    assert [change.columns["status"] for change in found.changes] == ([] if status is None else [status])
    assert len(sandbox.calls()) == calls


def test_an_account_that_a_second_look_has_read_is_not_read_again(
    sandbox: Sandbox, calling: Callable[[str], Caller]
) -> None:
    found = findings(slug="", account="deleted", receipt=receipt(), check=CHECK)
    handle_account(found.loaded, calling(""), found)

    assert len(sandbox.calls()) == 1
    assert found.changes == []


def test_an_account_that_a_sign_up_has_written_is_not_read_again(
    sandbox: Sandbox, calling: Callable[[str], Caller]
) -> None:
    found = findings(pending("a", 1, **NAME, **UDF), slug="", account=None, check=CHECK)
    handle_account(found.loaded, calling(""), found)

    assert [call.route for call in sandbox.calls()] == ["upsert_account"]


# --- an account that something else needs -----------------------------------------------------------------------------


@pytest.mark.parametrize("account", [None, "pending"])
def test_an_account_that_nobody_signed_up_is_made(account: str | None, calling: Callable[[str], Caller]) -> None:
    cobalt, found = calling("jira"), findings(account=account)

    assert with_account(cobalt, found, cobalt.fetch_account).linked_account_id == ACCOUNT
    assert [change.columns["status"] for change in found.changes] == ["active"]
