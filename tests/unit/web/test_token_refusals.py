"""What a host is answered when Cobalt gives no session token: every error of the client, and when to ask again."""

import pytest

from cobalt_mirror import cobalt
from cobalt_mirror.cobalt import errors
from cobalt_mirror.workers.web.token_endpoint import refusal_of

ROWS: list[tuple[cobalt.CobaltError, int, str | None]] = [
    (cobalt.RateLimited(None), 503, "1"),
    (cobalt.RateLimited(0), 503, "1"),
    (cobalt.RateLimited(0.2), 503, "1"),
    (cobalt.RateLimited(1.0), 503, "1"),
    (cobalt.RateLimited(1.01), 503, "2"),
    (cobalt.ConnectFailed("x"), 503, "5"),
    (cobalt.NoAnswer("x"), 503, "5"),
    (cobalt.DeadlineExceeded("x"), 503, "5"),
    (cobalt.UnexpectedAnswer("x"), 503, "5"),
    (cobalt.ServerError(status=500), 503, "5"),
    (cobalt.UnknownAccount(status=400), 404, None),
    (cobalt.InvalidIdentifier("x"), 400, None),
    (cobalt.KeyRefused(status=401), 502, None),
    (cobalt.KeyRefused(status=403), 502, None),
    (cobalt.CredentialsRefused(status=400), 502, None),
    (cobalt.UnknownApplication(status=404), 502, None),
    (cobalt.UnknownConfig(status=404), 502, None),
    (cobalt.Refused(status=409), 502, None),
]


@pytest.mark.parametrize(("error", "status", "retry_after"), ROWS)
def test_an_error_is_answered_with_the_status_that_says_what_to_do(
    error: cobalt.CobaltError, status: int, retry_after: str | None
) -> None:
    refusal = refusal_of(error, "acme")

    assert refusal.status_code == status
    assert (refusal.headers or {}).get("retry-after") == retry_after
    assert refusal.detail


def test_no_error_is_missing_here() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, cobalt.CobaltError)}

    assert {type(error) for error, *_ in ROWS} == kinds - {
        cobalt.CobaltError,
        cobalt.ResponseError,
        cobalt.TransportError,
    }
