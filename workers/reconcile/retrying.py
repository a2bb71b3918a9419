"""Make a call of the run itself again while Cobalt fails."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from cobalt_mirror.cobalt import CobaltError, RateLimited, ResponseError, ServerError
from cobalt_mirror.workers.reconcile.journal import Journal

T = TypeVar("T")

log = structlog.get_logger()

#: The most tries for one call, and the first wait between them in seconds; it doubles each time.
TRIES, FIRST_WAIT_SECONDS = 6, 1.0


def call_patiently(journal: Journal, call: Callable[[], T], *, purpose: str, linked_account_id: str = "") -> T:
    """Make a call, and make it again while it fails for a reason that may pass.

    Args:
        journal: The run; it keeps its place during the waits.
        call: The call.
        purpose: What it reads, for the log.
        linked_account_id: The account that it is made through; empty: none.

    Raises:
        CobaltError: Cobalt failed for too long, or refuses the call.
    """
    wait = FIRST_WAIT_SECONDS
    for _ in range(TRIES - 1):
        try:
            with journal.recording(linked_account_id=linked_account_id):
                return call()
        except RateLimited as error:
            journal.wait(wait if error.retry_after_seconds is None else error.retry_after_seconds)
        except CobaltError as error:
            if isinstance(error, ResponseError) and not isinstance(error, ServerError):
                raise
            log.warning("not_read", purpose=purpose, error=str(error))
            journal.wait(wait)
        wait *= 2
    with journal.recording(linked_account_id=linked_account_id):
        return call()
