"""When failures look like an outage: so many accounts, one after another, and no answer between."""

import pytest

from cobalt_mirror import cobalt
from cobalt_mirror.cobalt import ResponseError
from cobalt_mirror.workers.circuit import FAILING_ACCOUNTS, FailureCount
from cobalt_mirror.workers.errors import OutOfTime


def said(kind: type[ResponseError], status: int) -> ResponseError:
    return kind(status=status, code="CODE")


#: How an attempt's calls ended: "counts" as a failure, says "nothing" about Cobalt, or shows that it "answers".
ERRORS = [
    pytest.param(None, "answers", id="all is well"),
    pytest.param(cobalt.ConnectFailed("no"), "counts", id="no connection"),
    pytest.param(cobalt.NoAnswer("no"), "counts", id="no answer"),
    pytest.param(cobalt.DeadlineExceeded("no"), "counts", id="no answer in time"),
    pytest.param(cobalt.UnexpectedAnswer("no"), "counts", id="an answer that nobody promised"),
    pytest.param(said(cobalt.ServerError, 500), "counts", id="a server's error"),
    pytest.param(cobalt.RateLimited(1), "nothing", id="a rate limit"),
    pytest.param(cobalt.InvalidIdentifier("no"), "nothing", id="nothing was sent"),
    pytest.param(OutOfTime(), "nothing", id="no time was left"),
    pytest.param(ZeroDivisionError(), "nothing", id="a bug"),
    pytest.param(said(cobalt.KeyRefused, 401), "answers", id="the key is refused"),
    pytest.param(said(cobalt.UnknownAccount, 404), "answers", id="no such account"),
    pytest.param(said(cobalt.UnknownApplication, 404), "answers", id="no such application"),
    pytest.param(said(cobalt.UnknownConfig, 404), "answers", id="no such config"),
    pytest.param(said(cobalt.CredentialsRefused, 400), "answers", id="credentials are refused"),
    pytest.param(said(cobalt.Refused, 422), "answers", id="the request is refused"),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS)
def test_an_error_counts_says_nothing_or_shows_that_cobalt_answers(error: Exception | None, kind: str) -> None:
    count = FailureCount()
    for number in range(FAILING_ACCOUNTS - 1):
        assert not count.add(f"a{number}", cobalt.NoAnswer("no"))

    assert count.add("last", error) is (kind == "counts")
    assert count.add("one more", cobalt.NoAnswer("no")) is (kind == "nothing")


def test_an_outage_is_suspected_after_so_many_accounts_and_then_anew() -> None:
    count = FailureCount()
    suspected = [count.add(f"a{number}", cobalt.NoAnswer("no")) for number in range(2 * FAILING_ACCOUNTS)]

    assert FAILING_ACCOUNTS == 5
    assert suspected == [False, False, False, False, True] * 2


def test_one_account_is_never_an_outage() -> None:
    count = FailureCount()

    assert not any(count.add("acme", cobalt.NoAnswer("no")) for _ in range(3 * FAILING_ACCOUNTS))
