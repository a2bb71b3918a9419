"""How fresh a row of the mirror is: as it was read, or as it was compared by the last pass."""

from datetime import datetime
from typing import Any

import pytest

from cobalt_mirror.db.reads import _fresh
from cobalt_mirror.db.statuses import AccountStatus
from tests.unit.entries import at

READ, PASS, OTHER = at(10), at(20), at(30)
#: When it was read, when the last pass was, whether that left it in doubt, its status, and how fresh it is.
ROWS = [
    pytest.param(None, None, False, "active", None, id="never read, and never compared"),
    pytest.param(READ, None, False, "active", READ, id="read, and never compared"),
    pytest.param(None, PASS, False, "active", PASS, id="never read, and compared"),
    pytest.param(READ, PASS, False, "active", PASS, id="read, and compared later"),
    pytest.param(at(25), PASS, False, "active", at(25), id="compared, and read later"),
    pytest.param(PASS, PASS, False, "active", PASS, id="read and compared in one moment"),
    pytest.param(READ, PASS, True, "active", READ, id="left in doubt"),
    pytest.param(None, PASS, True, "active", None, id="never read, and left in doubt"),
    pytest.param(READ, PASS, False, "missing", PASS, id="missing"),
    pytest.param(READ, PASS, False, "pending", READ, id="not signed up yet, so it is not compared"),
    pytest.param(READ, PASS, False, "deleted", READ, id="deleted, so it is not compared"),
    pytest.param(READ, PASS, False, None, READ, id="not known, so it is not compared"),
]


@pytest.mark.parametrize(("read", "passed", "in_doubt", "status", "expected"), ROWS)
@pytest.mark.parametrize("compared", ["accounts", "connections"])
def test_a_row_is_as_fresh_as_it_was_read_or_compared(
    *, read: Any, passed: datetime | None, in_doubt: bool, status: str | None, expected: Any, compared: str
) -> None:
    other = "connections" if compared == "accounts" else "accounts"
    last_pass = {other: OTHER.isoformat()} | ({} if passed is None else {compared: passed.isoformat()})
    row = {"name": "Acme", "status": status, "verified_at": read, "last_pass": last_pass, "in_doubt": in_doubt}

    assert _fresh(row, compared) == {"name": "Acme", "status": status, "verified_at": read, "fresh_at": expected}


def test_no_status_of_an_account_is_missing_from_the_table() -> None:
    assert {row.values[3] for row in ROWS} == {*AccountStatus, None}


def test_without_any_pass_a_row_is_as_fresh_as_it_was_read() -> None:
    row = {"status": "active", "verified_at": READ, "last_pass": None, "in_doubt": False}

    assert _fresh(row, "accounts")["fresh_at"] == READ
