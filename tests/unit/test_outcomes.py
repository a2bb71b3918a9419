"""The table from error to outcome, row by row, and the waits of a retry."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror import cobalt
from cobalt_mirror.cobalt import CobaltError, ResponseError
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.statuses import Move, Unseen
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.errors import AccountDenied, AccountGone, OutOfTime
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, backoff, outcome_of, superseded

TOLD: dict[str, Any] = {"code": "CODE", "message": "in Cobalt's words", "request_id": "r-1", "call": "PUT /api"}


def said(kind: type[ResponseError], status: int) -> CobaltError:
    return kind(status=status, **TOLD)


#: Every error, the event that ended in it, and the outcome's verdict and move.
ROWS: list[tuple[Exception, EventType, Verdict, Move | None]] = [
    (OutOfTime(), EventType.CONFIG_CHANGED, Verdict.SNOOZE, None),
    (AccountDenied("not yet", delay=timedelta(seconds=2)), EventType.CONFIG_CHANGED, Verdict.SNOOZE, None),
    (AccountDenied("too many", delay=None), EventType.CONFIG_CHANGED, Verdict.RETRY, Move.PROVIDER),
    (AccountGone("gone"), EventType.CONFIG_CHANGED, Verdict.DEAD, Move.OPERATOR),
    (CannotUnseal("no key"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.OPERATOR),
    (ZeroDivisionError("a bug"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.OPERATOR),
    (cobalt.RateLimited(3.5), EventType.USER_SIGNED_UP, Verdict.SNOOZE, None),
    (cobalt.InvalidIdentifier("no"), EventType.USER_SIGNED_UP, Verdict.DEAD, Move.OPERATOR),
    (cobalt.ConnectFailed("no"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.PROVIDER),
    (cobalt.NoAnswer("no"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.PROVIDER),
    (cobalt.DeadlineExceeded("no"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.PROVIDER),
    (cobalt.UnexpectedAnswer("no"), EventType.USER_SIGNED_UP, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.KeyRefused, 403), EventType.CONFIG_CHANGED, Verdict.DEAD, Move.OPERATOR),
    (said(cobalt.ServerError, 500), EventType.CONFIG_CHANGED, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.CredentialsRefused, 500), EventType.CONFIG_CHANGED, Verdict.DEAD, Move.CUSTOMER),
    (said(cobalt.UnknownAccount, 404), EventType.CONFIG_CHANGED, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.UnknownApplication, 404), EventType.CONFIG_CHANGED, Verdict.DEAD, Move.OPERATOR),
    (said(cobalt.UnknownConfig, 404), EventType.CONFIG_CHANGED, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.Refused, 400), EventType.CONFIG_CHANGED, Verdict.DEAD, Move.CUSTOMER),
    (said(cobalt.Refused, 422), EventType.USER_SIGNED_UP, Verdict.DEAD, Move.OPERATOR),
    (said(cobalt.Refused, 409), EventType.CONFIG_CHANGED, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.Refused, 400), EventType.USER_DELETED, Verdict.RETRY, Move.OPERATOR),
    (said(cobalt.Refused, 422), EventType.USER_DELETED, Verdict.RETRY, Move.OPERATOR),
    (said(cobalt.Refused, 409), EventType.USER_DELETED, Verdict.RETRY, Move.PROVIDER),
    (said(cobalt.KeyRefused, 403), EventType.USER_DELETED, Verdict.RETRY, Move.OPERATOR),
    (cobalt.InvalidIdentifier("no"), EventType.USER_DELETED, Verdict.DEAD, Move.OPERATOR),
]


@pytest.mark.parametrize(
    ("error", "event", "verdict", "move"),
    ROWS,
    ids=[f"{type(error).__name__}-{getattr(error, 'status', '')}-{event}" for error, event, *_ in ROWS],
)
def test_an_error_becomes_its_outcome(error: Exception, event: EventType, verdict: Verdict, move: Move | None) -> None:
    outcome = outcome_of(error, event)

    assert (outcome.verdict, outcome.move) == (verdict, move)
    assert outcome.detail
    kept = isinstance(error, ResponseError) and not isinstance(error, cobalt.RateLimited)
    assert not kept or outcome.response == {**TOLD, "status": getattr(error, "status", None)}


def test_a_call_that_is_refused_with_a_key_that_works_does_not_blame_the_key() -> None:
    outcome = outcome_of(said(cobalt.KeyRefused, 403), EventType.CONFIG_CHANGED)

    assert outcome.detail == (
        "PUT /api: Cobalt refuses this call, although it accepts the key for others: "
        '403 CODE "in Cobalt\'s words" (request_id r-1)'
    )


def test_no_error_of_cobalts_is_missing_from_the_table() -> None:
    def leaves(kind: type[CobaltError]) -> set[type[CobaltError]]:
        below = {leaf for each in kind.__subclasses__() for leaf in leaves(each)}
        return below | {kind} if kind not in {CobaltError, ResponseError, cobalt.TransportError} else below

    assert {type(error) for error, *_ in ROWS if isinstance(error, CobaltError)} == leaves(CobaltError)


#: What Cobalt does not show, when an event ends for that.
UNSEEN = [
    (AccountGone("gone"), Unseen.ACCOUNT),
    (said(cobalt.UnknownApplication, 404), Unseen.APPLICATION),
    (said(cobalt.Refused, 400), None),
    (said(cobalt.KeyRefused, 403), None),
]


@pytest.mark.parametrize(("error", "unseen"), UNSEEN)
def test_what_a_read_may_show_later_is_kept_with_the_outcome(error: Exception, unseen: Unseen | None) -> None:
    assert outcome_of(error, EventType.CONFIG_CHANGED).unseen is unseen


@pytest.mark.parametrize(("asked_for", "seconds"), [(3.5, 3.5), (None, 1.0), (0.0, 0.0)])
def test_a_rate_limit_is_waited_out_for_as_long_as_it_says(asked_for: float | None, seconds: float) -> None:
    assert outcome_of(cobalt.RateLimited(asked_for), None).delay == timedelta(seconds=seconds)


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert outcome_of(ValueError(), None).detail == "ValueError: ValueError"


def test_an_outcome_asks_for_nothing_that_is_not_named() -> None:
    plain = {"move": None, "delay": None, "looked": False, "alone": False, "response": None, "unseen": None}

    assert asdict(superseded("a later one")) == {"verdict": Verdict.SUPERSEDED, "detail": "a later one", **plain}
    assert asdict(DONE) == {"verdict": Verdict.DONE, "detail": None, **plain}


def test_a_long_reason_is_cut() -> None:
    outcome: Outcome = outcome_of(cobalt.NoAnswer("x" * 5_000), None)

    assert len(outcome.detail or "") == 1_000


#: Failures before, chance between 0 and 1, and the wait in seconds, with a base of 2 and a cap of 900.
WAITS = [
    pytest.param(0, 1, 2, id="the first failure"),
    pytest.param(0, 0.5, 1, id="the first failure, half of it"),
    pytest.param(0, 0.25, 0.5, id="a quarter of the base"),
    pytest.param(0, 0.2, 0.5, id="never less than a quarter of the base"),
    pytest.param(0, 0, 0.5, id="the first failure, without luck"),
    pytest.param(1, 1, 4, id="the second failure"),
    pytest.param(1, 0, 0.5, id="the second failure, without luck"),
    pytest.param(2, 0.3, 2.4, id="full jitter: chance decides"),
    pytest.param(8, 1, 512, id="the last one below the cap"),
    pytest.param(9, 1, 900, id="the first one at the cap"),
    pytest.param(9, 0.5, 450, id="half of the cap"),
    pytest.param(39, 1, 900, id="before doubling ends"),
    pytest.param(40, 1, 900, id="when doubling ends"),
    pytest.param(41, 1, 900, id="after doubling has ended"),
    pytest.param(10_000, 1, 900, id="so often that doubling would be beyond any number"),
    pytest.param(10_000, 0, 0.5, id="and without luck"),
]


@pytest.mark.parametrize(("attempts", "chance", "seconds"), WAITS)
def test_a_wait_is_anything_below_a_ceiling_that_doubles_up_to_the_cap(
    attempts: int, chance: float, seconds: float
) -> None:
    wait = backoff(attempts, base_seconds=2, cap_seconds=900, chance=lambda: chance)

    assert wait.total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize(("chance", "seconds"), [(0, 0.25), (0.5, 0.5), (1, 1)])
def test_a_cap_below_the_base_is_a_cap(chance: float, seconds: float) -> None:
    wait = backoff(3, base_seconds=2, cap_seconds=1, chance=lambda: chance)

    assert wait.total_seconds() == seconds


def test_doubling_ends_before_a_number_is_too_large() -> None:
    longest = backoff(41, base_seconds=1, cap_seconds=1e13, chance=lambda: 1)

    assert longest == backoff(40, base_seconds=1, cap_seconds=1e13, chance=lambda: 1) == timedelta(seconds=2.0**40)
