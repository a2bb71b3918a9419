"""The invariant about the share of what failed before: a message for it counts for as long as it is under way."""

from dataclasses import replace
from typing import Any

import pytest

from cobalt_mirror.db.statuses import ChangeType
from tests.chaos.audit import Note
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.shares import MOST_RETRIES, find_overshares
from tests.unit.chaos.evidences import at, call, note


def judged(*notes: Note, changes: list[dict[str, Any]] | None = None, calls: list[Any] | None = None) -> Finding:
    return find_overshares(Evidence(audit=notes, rows={"changes": changes or []}, calls=calls or []))


def sent(number: int, seconds: float = 0, *, is_retry: bool | int = True, account: str | None = None) -> Note:
    """A message for an account, which is under way for 15 seconds."""
    details: dict[str, Any] = {
        "operation": "INSERT",
        "old_token": None,
        "new_token": None,
        "old_until": None,
        "new_until": None,
    }
    times: dict[str, Any] = {"old_sent_until": None, "sent_until": at(seconds + 15).isoformat()}
    row = note(number, "work", seconds=seconds, is_retry=is_retry, **details, **times)
    return replace(row, account=account or f"failing-{number:04}")


def leased(message: Note, seconds: float) -> Note:
    """A worker takes an account for 20 seconds: the time of its message stays as it was."""
    sent_until = message.details["sent_until"]
    lease = {"new_token": "a", "new_until": at(seconds + 20).isoformat(), "old_sent_until": sent_until}
    return replace(message, at=at(seconds), details={**message.details, **lease, "operation": "UPDATE"})


def given_back(message: Note, seconds: float) -> Note:
    absent = {"sent_until": None, "is_retry": None, "new_token": None, "new_until": None}
    return replace(message, at=at(seconds), details={**message.details, **absent, "operation": "DELETE"})


def halted(number: int, seconds: float, kind: ChangeType = ChangeType.WORK_HALTED) -> dict[str, Any]:
    return {"number": number, "type": kind, "recorded_at": at(seconds)}


ALL = [sent(number) for number in range(MOST_RETRIES)]
ONE_MORE = sent(99, 10)


def test_the_share_of_two_relays_is_half_of_the_threads_of_one_machine() -> None:
    assert MOST_RETRIES == 4


def test_as_many_as_both_relays_may_send_are_no_violation() -> None:
    found = judged(*ALL, calls=[call(1, 0, "upsert_account", linked_account_id="failing-0001"), call(2, 0, "x")])

    assert found.violations == []
    assert dict(found.counts) == {
        "messages for it": 4,
        "while work was halted": 0,
        "most at once": 4,
        "calls for accounts that fail for ever": 1,
    }


@pytest.mark.parametrize("is_retry", [True, 1], ids=["as PostgreSQL notes it", "as SQLite notes it"])
def test_one_more_is_a_violation(is_retry: bool | int) -> None:
    [found] = judged(*ALL, sent(99, 10, is_retry=is_retry)).violations

    assert found.startswith("5 accounts at 12:00:10.000000, of 4 at most: ['failing-0000', ")


def test_messages_for_something_new_do_not_count() -> None:
    fresh = [sent(number, is_retry=False) for number in range(20, 60)]

    assert judged(*fresh, *ALL).violations == []


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param(given_back(ALL[0], 9), id="given back"),
        pytest.param(sent(50, 9, is_retry=False, account=ALL[0].account), id="and something new of the account"),
    ],
)
def test_what_has_ended_does_not_count(ended: Note) -> None:
    assert judged(*ALL, ended, ONE_MORE).violations == []


@pytest.mark.parametrize(("seconds", "violations"), [(14.99, 1), (15.01, 0)])
def test_a_message_that_led_to_nothing_counts_until_another_may_go_out(seconds: float, violations: int) -> None:
    assert len(judged(*ALL, sent(99, seconds)).violations) == violations


@pytest.mark.parametrize(("seconds", "violations"), [(29.99, 1), (30.01, 0)])
def test_what_a_worker_holds_counts_until_its_lease_ends(seconds: float, violations: int) -> None:
    assert len(judged(*ALL, *(leased(each, 10) for each in ALL), sent(99, seconds)).violations) == violations


@pytest.mark.parametrize(
    ("changes", "violations"),
    [
        ([halted(1, 11)], 1),
        ([halted(1, 10)], 0),
        ([halted(1, 5), halted(2, 10, ChangeType.WORK_RESUMED)], 0),
        ([halted(1, 5), halted(2, 9.9, ChangeType.WORK_RESUMED)], 1),
        ([halted(1, -5), halted(2, 20, ChangeType.WORK_RESUMED)], 0),
    ],
    ids=["before a halt", "as it begins", "as it ends", "after it", "all of it in a halt"],
)
def test_what_is_sent_while_work_is_halted_is_not_counted(changes: list[dict[str, Any]], violations: int) -> None:
    assert len(judged(*ALL, ONE_MORE, changes=changes).violations) == violations
