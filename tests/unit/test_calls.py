"""What is recorded of calls: what each came to, which are in the sample, and that recording them changes nothing."""

from typing import Any

import pytest
from sqlalchemy import create_engine

from cobalt_mirror.cobalt import Client, errors
from cobalt_mirror.cobalt.errors import CobaltError, InvalidIdentifier, ResponseError, ServerError, TransportError
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox, SandboxTransport
from cobalt_mirror.db.engine import database_clock
from cobalt_mirror.db.statuses import CallOutcome
from cobalt_mirror.workers.calls import CallRecorder, is_sampled, outcome_of_call
from tests.unit.requests import exchanged

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


def test_a_database_that_fails_meanwhile_changes_nothing_of_a_call() -> None:
    broken = create_engine("sqlite:////nowhere/at/all.db")
    recorder = CallRecorder(engine=broken, clock=database_clock, share=1)
    sandbox = Sandbox()
    with Client("tk_sandbox", base_url="http://sandbox.test", transport=SandboxTransport(sandbox)) as client:
        with recorder.recording({"probe": "?"}):
            client.probe()
        sandbox.add_faults(Fault())
        with pytest.raises(ServerError), recorder.recording({"probe": "?"}):
            client.probe()

    assert len(sandbox.calls()) == 2
