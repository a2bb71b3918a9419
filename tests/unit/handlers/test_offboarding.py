"""What a deletion ends, when a new generation may begin, and how a receipt is dated."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.findings import WantedCheck
from cobalt_mirror.workers.handlers.offboarding import (
    _once_settled,
    _receipt,
    account_goes_first,
    began_after,
    dated,
)
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, at, authorized, deleted, signed_up
from tests.unit.handlers.subjects import ended_as, findings, receipt

#: The shortest time in which a delayed write surely has landed.
DELAY = timedelta(seconds=60)

#: An event, and whether it began a new generation after a deletion at noon.
BEGAN = [
    pytest.param(signed_up("a", -1), False, id="a sign-up before it"),
    pytest.param(signed_up("z", 0, number=4), False, id="a sign-up in the same moment, inserted before it"),
    pytest.param(signed_up("a", 0, number=6), True, id="a sign-up in the same moment, inserted after it"),
    pytest.param(signed_up("z", 0), False, id="a sign-up in the same moment, from before there were numbers"),
    pytest.param(signed_up("a", 0.000001), True, id="a sign-up a microsecond after it"),
    pytest.param(signed_up("a", 1), True, id="a sign-up after it"),
    pytest.param(deleted("a", -1), False, id="a deletion before it"),
    pytest.param(deleted("d", 0), False, id="itself"),
    pytest.param(deleted("z", 1), False, id="a deletion after it"),
    pytest.param(deleted("z", 0, number=6), False, id="a deletion in the same moment, inserted after it"),
]


@pytest.mark.parametrize(("entry", "expected"), BEGAN)
def test_a_later_sign_up_begins_a_new_generation(entry: Entry, expected: bool) -> None:
    assert began_after(entry, deleted("d", 0, number=5)) is expected


@pytest.mark.parametrize("id_", ["a", "z"])
def test_of_two_from_before_there_were_numbers_the_deletion_is_the_later_one(id_: str) -> None:
    assert began_after(signed_up(id_, 0), deleted("d", 0)) is False


# --- the receipt ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_in_doubt", "settles_at"),
    [pytest.param(False, None, id="nothing is in doubt"), pytest.param(True, at(5) + DELAY, id="a write may be late")],
)
def test_a_receipt_names_the_deletion_and_until_when_a_write_may_land(is_in_doubt: bool, settles_at: Any) -> None:
    found = findings(second=5, slug="", is_in_doubt=is_in_doubt)

    assert _receipt(found.loaded, deleted("d", -3, source="app", number=7)) == Deletion(
        linked_account_id=ACCOUNT,
        source="app",
        event_id="d",
        occurred_at=at(-3),
        number=7,
        gone_at=at(5),
        settles_at=settles_at,
    )


BEGUN, NOW = at(10), at(12)
#: When the account was gone and confirmed, as found by an attempt from second 10 to 12, and what is recorded.
DATED = [
    pytest.param(BEGUN, None, NOW, None, id="found gone now"),
    pytest.param(at(5), None, at(5), None, id="found gone before"),
    pytest.param(at(5), BEGUN, at(5), NOW, id="confirmed now"),
    pytest.param(at(5), at(8), at(5), at(8), id="confirmed before"),
    pytest.param(BEGUN, BEGUN, NOW, NOW, id="both now"),
    pytest.param(BEGUN - MICROSECOND, None, BEGUN - MICROSECOND, None, id="found gone just before it began"),
    pytest.param(BEGUN + MICROSECOND, None, BEGUN + MICROSECOND, None, id="found gone just after it began"),
]


@pytest.mark.parametrize(("gone_at", "confirmed_at", "dated_gone_at", "dated_confirmed_at"), DATED)
def test_a_receipt_is_not_dated_too_early(
    gone_at: Any, confirmed_at: Any, dated_gone_at: Any, dated_confirmed_at: Any
) -> None:
    found = dated(receipt(0, gone_at=gone_at, confirmed_at=confirmed_at, note="a note"), began=BEGUN, now=NOW)

    assert found == receipt(0, gone_at=dated_gone_at, confirmed_at=dated_confirmed_at, note="a note")


# --- the next generation ----------------------------------------------------------------------------------------------

SETTLES = at(60)
#: The account's status, its receipt, the time, and whether sign-ups have to wait.
SETTLED = [
    pytest.param(None, None, 0, False, id="the account is not known"),
    pytest.param("active", None, 0, False, id="the account lives"),
    pytest.param("active", receipt(settles_at=SETTLES), 0, False, id="a new generation has begun"),
    pytest.param("deleted", None, 0, False, id="there is no receipt"),
    pytest.param("deleted", receipt(), 0, False, id="no write was in doubt"),
    pytest.param("deleted", receipt(settles_at=SETTLES), 0, True, id="a write may land"),
    pytest.param("deleted", receipt(settles_at=SETTLES), 59.999999, True, id="a microsecond before it is settled"),
    pytest.param("deleted", receipt(settles_at=SETTLES), 60, False, id="when it is settled"),
    pytest.param("deleted", receipt(settles_at=SETTLES), 60.000001, False, id="a microsecond after it was settled"),
]


@pytest.mark.parametrize(("account", "of", "second", "waits"), SETTLED)
def test_a_new_generation_waits_until_no_old_write_can_land(
    account: str | None, of: Deletion | None, second: float, waits: bool
) -> None:
    sign_ups = [signed_up("a", 1), signed_up("b", 2)]
    found = findings(*sign_ups, second=second, slug="", account=account, receipt=of)

    assert _once_settled(found.loaded, found, sign_ups) == ([] if waits else sign_ups)
    assert ended_as(found) == ({"a": "snooze", "b": "snooze"} if waits else {})
    assert {outcome.delay for outcome in found.outcomes.values()} == ({SETTLES - at(second)} if waits else set())


def test_the_receipt_of_this_attempt_counts_more_than_the_one_before() -> None:
    sign_ups = [signed_up("a", 1)]
    for before, after, waits in ((None, SETTLES, True), (SETTLES, None, False)):
        found = findings(*sign_ups, slug="", account="active", receipt=receipt(settles_at=before))
        found.account_deleted(receipt(settles_at=after))
        assert _once_settled(found.loaded, found, sign_ups) == ([] if waits else sign_ups)


def test_where_no_sign_up_waits_none_is_put_off() -> None:
    found = findings(slug="", account="deleted", receipt=receipt(settles_at=SETTLES))

    assert _once_settled(found.loaded, found, []) == []
    assert found.outcomes == {}


# --- connections ------------------------------------------------------------------------------------------------------

#: When the account's own event is due, its status, whether a check is due; whether the connection waits, and how long.
FIRST = [
    pytest.param(None, "active", False, False, None, id="nothing of the account waits"),
    pytest.param(None, "active", True, False, None, id="nothing of the account waits, and a check is due"),
    pytest.param(None, None, False, False, None, id="the account is not known"),
    pytest.param(None, "missing", False, False, None, id="the account is missing"),
    pytest.param(None, "deleted", False, True, None, id="the account is deleted"),
    pytest.param(None, "deleted", True, True, None, id="the account is deleted, and a check is due"),
    pytest.param(at(5), "active", False, True, 5, id="the account's event is due later"),
    pytest.param(at(5), "active", True, True, 5, id="the account's event is due later, and a check is due"),
    pytest.param(at(5), "deleted", False, True, 5, id="the account is deleted, and its sign-up is due later"),
    pytest.param(at(1.5), "active", False, True, 1.5, id="it is due in more than a second"),
    pytest.param(at(1), "active", False, True, 1, id="it is due in a second"),
    pytest.param(at(0.5), "active", False, True, 1, id="it is due in less than a second"),
    pytest.param(at(0), "active", False, True, 1, id="it is due now"),
    pytest.param(at(-5), "active", False, True, 1, id="it was due before"),
]


@pytest.mark.parametrize(("due_at", "account", "is_checked", "waits", "seconds"), FIRST)
def test_a_connection_waits_for_what_happens_to_its_account(
    due_at: Any, account: str | None, is_checked: bool, waits: bool, seconds: float | None
) -> None:
    check = Check(due_at=NOON, reason="a notification", attempts=0) if is_checked else None
    found = findings(authorized("a"), account=account, account_due_at=due_at, check=check)

    assert account_goes_first(found.loaded, found) is waits
    delay = None if seconds is None else timedelta(seconds=seconds)
    assert [outcome.delay for outcome in found.outcomes.values()] == ([] if delay is None else [delay])
    assert ended_as(found) == ({} if delay is None else {"a": "snooze"})
    assert (found.check_waits is not None) is (delay is not None and is_checked)
    assert found.check_waits is None or (found.check_waits.slug, found.check_waits.delay) == (SLUG, delay)
    looks = account == "deleted" and delay is None and is_checked
    assert found.checks == ([WantedCheck(slug="", delay=timedelta(), reason="a notification")] if looks else [])
