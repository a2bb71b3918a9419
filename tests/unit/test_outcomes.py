"""The table from error to outcome, row by row, and the waits of a retry."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from cobalt_mirror import cobalt
from cobalt_mirror.cobalt import CobaltError, ResponseError
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.errors import AccountGone, OutOfTime
from cobalt_mirror.workers.outcomes import Outcome, Verdict, backoff, outcome_of

TOLD: dict[str, Any] = {"code": "CODE", "message": "in Cobalt's words", "request_id": "r-1", "call": "PUT /api"}


def said(kind: type[ResponseError], status: int) -> CobaltError:
    return kind(status=status, **TOLD)


#: Every error, the event that ended in it, and the outcome's verdict and move.
ROWS: list[tuple[Exception, EventType, Verdict, Move | None]] = [
    (OutOfTime(), EventType.CONFIG_CHANGED, Verdict.SNOOZE, None),
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


def test_no_error_of_cobalts_is_missing_from_the_table() -> None:
    def leaves(kind: type[CobaltError]) -> set[type[CobaltError]]:
        below = {leaf for each in kind.__subclasses__() for leaf in leaves(each)}
        return below | {kind} if kind not in {CobaltError, ResponseError, cobalt.TransportError} else below

    assert {type(error) for error, *_ in ROWS if isinstance(error, CobaltError)} == leaves(CobaltError)


@pytest.mark.parametrize(("asked_for", "seconds"), [(3.5, 3.5), (None, 1.0), (0.0, 0.0)])
def test_a_rate_limit_is_waited_out_for_as_long_as_it_says(asked_for: float | None, seconds: float) -> None:
    assert outcome_of(cobalt.RateLimited(asked_for), None).delay == timedelta(seconds=seconds)


def test_a_long_reason_is_cut() -> None:
    outcome: Outcome = outcome_of(cobalt.NoAnswer("x" * 5_000), None)

    assert len(outcome.detail or "") == 1_000


def seconds(attempts: int, chance: float) -> float:
    wait = backoff(attempts, base_seconds=2, cap_seconds=900, chance=lambda: chance)
    return wait.total_seconds()


def test_a_wait_is_anything_below_a_ceiling_that_doubles_up_to_the_cap() -> None:
    ceilings = [seconds(attempts, 1.0) for attempts in range(12)]

    assert ceilings == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    for attempts, ceiling in enumerate(ceilings):
        spread = [seconds(attempts, chance) for chance in (0.3, 0.5, 0.7, 0.9)]
        assert all(earlier < later for earlier, later in pairwise(spread))  # full jitter: chance decides
        assert spread == pytest.approx([chance * ceiling for chance in (0.3, 0.5, 0.7, 0.9)])


def test_a_wait_is_never_nothing_and_never_beyond_the_cap() -> None:
    assert seconds(0, 0.0) == seconds(40, 0.0) == 0.5
    assert seconds(10_000, 1.0) == 900
