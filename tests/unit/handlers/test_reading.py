"""What a read says of a connection: whether it shows what was expected, and whether it is older than the mirror."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import Application, ConnectedAccount, UnexpectedAnswer
from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.rows import ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus, Expected
from cobalt_mirror.workers.handlers.looking import FRESH
from cobalt_mirror.workers.handlers.reading import (
    _is_older,
    _shows,
    connection_columns,
    wait_for_agreement,
    wait_for_application,
)
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, at, authorized
from tests.unit.handlers.subjects import CHECK, findings


def connected(second: float | None = 0, status: str = "active") -> ConnectedAccount:
    return ConnectedAccount(auth_type="oauth2", status=status, connected_at=None if second is None else at(second))


def application(*accounts: ConnectedAccount, needs_reauth: bool = False) -> Application:
    return Application(slug=SLUG, name=SLUG, connected_accounts=accounts, reauth_required=needs_reauth)


def row(status: str, accounts: int = 0) -> ConnectionRow:
    return ConnectionRow(
        linked_account_id=ACCOUNT,
        slug=SLUG,
        status=ConnectionStatus(status),
        accounts=[{}] * accounts,
        verified_at=NOON,
    )


def mirrored(*accounts: ConnectedAccount) -> ConnectionRow:
    return ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, verified_at=NOON, **connection_columns(accounts))


ONE, TWO = application(connected()), application(connected(), connected(5))
EXPIRED, NONE = application(connected(status="expired")), application()
#: What is expected, what the mirror had, the read, and whether that shows it.
SHOWN = [
    pytest.param(None, None, NONE, True, id="nothing in particular"),
    pytest.param(None, None, None, True, id="nothing in particular, and nothing is there"),
    pytest.param("connected", None, ONE, True, id="connected"),
    pytest.param("connected", None, NONE, False, id="connected, and it is not yet"),
    pytest.param("connected", None, EXPIRED, False, id="connected, and it is expired"),
    pytest.param("connected", None, None, False, id="connected, and the account or application does not show"),
    pytest.param("connected", mirrored(connected()), ONE, False, id="connected, and it shows what was there before"),
    pytest.param("connected", mirrored(connected()), TWO, True, id="connected, beside what was there before"),
    pytest.param("connected", mirrored(connected()), application(connected(50)), True, id="connected anew"),
    pytest.param(
        "connected", mirrored(connected(50)), application(connected(50)), True, id="connected, and known already"
    ),
    pytest.param(
        "connected", mirrored(connected(30)), application(connected(30)), False, id="known for thirty seconds"
    ),
    pytest.param(
        "connected", mirrored(connected(None)), application(connected(None)), True, id="nobody knows since when"
    ),
    pytest.param("connected", mirrored(connected(status="expired")), ONE, True, id="connected, and it was expired"),
    pytest.param("reauth_required", None, EXPIRED, True, id="expired"),
    pytest.param(
        "reauth_required", mirrored(connected(status="expired")), EXPIRED, True, id="expired, and known already"
    ),
    pytest.param(
        "reauth_required",
        mirrored(connected(status="expired"), connected(5)),
        application(connected(status="expired"), connected(5)),
        False,
        id="the second expired, and only the first one shows it",
    ),
    pytest.param(
        "reauth_required",
        mirrored(connected(), connected(5)),
        application(connected(status="expired"), connected(5)),
        True,
        id="one of two expired",
    ),
    pytest.param("reauth_required", None, application(connected(), needs_reauth=True), True, id="to be authorised"),
    pytest.param("reauth_required", None, ONE, False, id="expired, and it is active yet"),
    pytest.param("reauth_required", None, NONE, False, id="expired, and it is gone"),
    pytest.param("gone", None, NONE, True, id="gone"),
    pytest.param("gone", None, None, True, id="gone with its account"),
    pytest.param("gone", row("connected", 1), ONE, False, id="gone, and it is there yet"),
    pytest.param("gone", row("connected", 2), ONE, True, id="one of two is gone"),
    pytest.param("gone", row("connected", 2), TWO, False, id="one of two is gone, and both are there yet"),
    pytest.param("gone", None, ONE, False, id="gone, of which the mirror knows nothing"),
]


@pytest.mark.parametrize(("expects", "before", "read", "expected"), SHOWN)
def test_a_read_shows_what_a_notification_said_or_does_not_yet(
    expects: str | None, before: Any, read: Any, expected: bool
) -> None:
    assert _shows(read, None if expects is None else Expected(expects), before, now=at(60)) is expected


def test_nothing_that_can_be_expected_is_missing_from_the_table() -> None:
    assert {parameters.values[0] for parameters in SHOWN} == {None, *Expected}


#: What a read shows, how long after the mirror learned that nothing is connected, and whether the read is older.
OLDER = [
    pytest.param(NONE, timedelta(), False, id="nothing"),
    pytest.param(application(connected(-5)), timedelta(), True, id="what was connected before"),
    pytest.param(ONE, timedelta(), True, id="what was connected in that moment"),
    pytest.param(application(connected(0.001)), timedelta(), False, id="what was connected after it"),
    pytest.param(application(connected(None)), timedelta(), False, id="what was connected nobody knows when"),
    pytest.param(TWO, timedelta(), False, id="one of before and one of after it"),
    pytest.param(ONE, FRESH - MICROSECOND, True, id="nearly thirty seconds later"),
    pytest.param(ONE, FRESH, False, id="thirty seconds later"),
]


@pytest.mark.parametrize(("read", "later", "expected"), OLDER)
def test_a_read_that_shows_only_what_was_gone_a_moment_ago_is_older(
    read: Application, later: timedelta, expected: bool
) -> None:
    assert _is_older(read, row("disconnected"), now=NOON + later) is expected


#: How often a check looked, what the catalogue says of the application, and how many seconds the check waits now.
DENIED = [
    pytest.param(0, True, 2, id="the first look"),
    pytest.param(0, None, 2, id="an application that the catalogue has never shown"),
    pytest.param(0, False, None, id="the catalogue has it as disabled"),
    pytest.param(2, True, 10, id="the last look"),
    pytest.param(3, True, None, id="after the last look"),
    pytest.param(4, True, None, id="after more looks than there are"),
    pytest.param(None, True, None, id="no check asks"),
]


@pytest.mark.parametrize(("looks", "is_listed", "expected"), DENIED)
def test_a_check_looks_again_at_an_application_that_one_answer_denies(
    *, looks: int | None, is_listed: bool | None, expected: float | None
) -> None:
    waits = wait_for_application(findings(check=looked(looks), is_listed=is_listed).loaded)

    assert (None if waits is None else waits.total_seconds()) == expected


#: How often each waiting event was looked at, and the check; then how long each waits. None: the read counts.
CONTRADICTED = [
    pytest.param([], 0, ([], 2), id="a check"),
    pytest.param([], 2, ([], 10), id="a check's last look"),
    pytest.param([], 3, None, id="a check after its last look"),
    pytest.param([0], None, ([2], None), id="an event"),
    pytest.param([3], None, None, id="an event after its last look"),
    pytest.param([0, 2], 1, ([2, 10], 3), id="events and a check"),
    pytest.param([0], 3, ([2], 10), id="an event, and a check after its last look"),
    pytest.param([3], 0, None, id="an event after its last look, and a check"),
]


@pytest.mark.parametrize(("events", "looks", "expected"), CONTRADICTED)
def test_what_two_answers_contradict_each_other_about_is_looked_at_again(
    events: list[int], looks: int | None, expected: Any
) -> None:
    pending = [authorized(str(number), looks=each) for number, each in enumerate(events)]
    subject = findings(*pending, check=looked(looks))
    waits = wait_for_agreement(subject.loaded, subject)

    assert waits is (expected is not None)
    delays = [outcome.delay and outcome.delay.total_seconds() for outcome in subject.outcomes.values()]
    again = subject.looks_again and subject.looks_again.total_seconds()
    assert (delays, again) == (expected or ([], None))


#: In how many seconds a waiting event is due, whether it was looked at, and whether a check that looked often enough
#: waits for it.
BESIDE = [
    pytest.param(0, 0, True, id="an event that is due"),
    pytest.param(2, 1, True, id="an event that waits for its next look"),
    pytest.param(10, 2, True, id="an event that waits for its last look"),
    pytest.param(10.001, 0, False, id="an event that failed and is tried again later"),
    pytest.param(900, 2, False, id="an event that was looked at and then failed"),
]


@pytest.mark.parametrize(("due", "looks", "expected"), BESIDE)
def test_a_check_that_looked_often_enough_does_not_wait_for_a_retry(due: float, looks: int, *, expected: bool) -> None:
    subject = findings(authorized("a", looks=looks, due_at=at(due)), check=looked(3))

    assert wait_for_agreement(subject.loaded, subject) is expected
    assert (subject.looks_again is not None) is expected


def test_nobody_looks_again_who_only_reads() -> None:
    subject = findings()
    with pytest.raises(UnexpectedAnswer, match="in one answer, and not in another"):
        wait_for_agreement(subject.loaded, subject)


def looked(looks: int | None) -> Check | None:
    return None if looks is None else replace(CHECK, looks=looks)
