"""What is recorded of an attempt's calls: what each came to and when, and which attempts are in the sample."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import errors
from cobalt_mirror.cobalt.errors import CobaltError, InvalidIdentifier, ResponseError, TransportError
from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.db.statuses import CallOutcome
from cobalt_mirror.workers.calls import is_sampled, outcome_of_call
from cobalt_mirror.workers.handlers.calls import calls_of
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import ACCOUNT, NOON, SLUG, authorized
from tests.unit.handlers.subjects import findings

ROOTS = (CobaltError, TransportError, ResponseError)
OUTCOMES = {
    errors.UnknownAccount: "absent",
    errors.UnknownApplication: "absent",
    errors.UnknownConfig: "absent",
    errors.KeyRefused: "key_refused",
    errors.RateLimited: "throttled",
    errors.ServerError: "failed",
    errors.CredentialsRefused: "refused",
    errors.Refused: "refused",
    errors.UnexpectedAnswer: "unexpected",
    errors.ConnectFailed: "unreached",
    errors.NoAnswer: "unanswered",
    errors.DeadlineExceeded: "unanswered",
}


def exchanged(**more: Any) -> Exchanged:
    plain = {"method": "GET", "template": "/x/{account}", "began": 100.0, "waited_seconds": 0.0, "took_seconds": 0.0}
    return Exchanged(**{**plain, "is_sent": True, "status": 200, "error": None, "request_id": None, **more})


@pytest.mark.parametrize(("error", "outcome"), OUTCOMES.items())
def test_an_error_has_its_outcome(error: type[CobaltError], outcome: str) -> None:
    assert outcome_of_call(exchanged(error=error)) == outcome


def test_every_error_that_a_request_can_end_with_is_in_the_table() -> None:
    tree = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, CobaltError)}

    assert tree - {*ROOTS, InvalidIdentifier} == set(OUTCOMES)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({}, "answered"),
        ({"status": None}, "unanswered"),
        ({"is_sent": False, "status": None, "error": errors.RateLimited}, "not_sent"),
        ({"is_sent": False, "status": None, "error": None}, "not_sent"),
    ],
)
def test_without_an_error_the_answer_decides_and_what_was_not_sent_has_none(how: dict[str, Any], outcome: str) -> None:
    assert outcome_of_call(exchanged(**how)) is CallOutcome(outcome)


@pytest.mark.parametrize(
    ("token", "share", "is_in"),
    [
        ("00000000ff", 0, False),
        ("00000000ff", 1, True),
        ("ffffffffff", 0.999, False),
        ("ffffffffff", 1, True),
        ("7fffffffff", 0.5, True),
        ("8000000000", 0.5, False),
    ],
)
def test_a_share_of_the_tokens_is_in_the_sample(token: str, share: float, is_in: bool) -> None:
    assert is_sampled(token, share) is is_in


def lease() -> Lease:
    return Lease(linked_account_id=ACCOUNT, slug=SLUG, token="80000000ab", ends=0)


def test_a_call_is_dated_from_the_beginning_of_its_attempt_and_says_what_for() -> None:
    loaded = findings(authorized("e1"), slug=SLUG).loaded
    made = calls_of(loaded, lease(), [(exchanged(took_seconds=0.0126, waited_seconds=0.0004), "c1")], began=98.5)

    assert made is not None
    assert (made.attempt, made.because) == ("80000000ab", {"events": [{"source": "host", "id": "e1"}]})
    (call,) = made.calls
    assert call.made_at == NOON + timedelta(seconds=1.5)
    assert (call.took_ms, call.waited_ms, call.connection_id, call.path) == (13, 0, "c1", "/x/{account}")


@pytest.mark.parametrize(("share", "number", "recorded"), [(1, 0, False), (0.5, 1, False), (1, 1, True)])
def test_without_calls_or_outside_the_sample_nothing_is_recorded(share: float, number: int, recorded: bool) -> None:
    loaded = findings(authorized("e1"), settings=Settings(calls_sample_share=share)).loaded

    assert (calls_of(loaded, lease(), [(exchanged(), None)] * number, began=0) is not None) is recorded
