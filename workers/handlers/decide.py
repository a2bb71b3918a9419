"""Does the work of an attempt: calls the handler of the subject, and catches whatever ends it."""

import structlog

from cobalt_mirror.cobalt import CobaltError
from cobalt_mirror.db.errors import DatabaseError
from cobalt_mirror.workers.errors import AccountDenied, AccountGone, OutOfTime
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.accounts import handle_account
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.offboarding import account_goes_first

log = structlog.get_logger()

_FORESEEN = (CobaltError, DatabaseError, OutOfTime, AccountDenied, AccountGone)


def is_bug(error: Exception) -> bool:
    """Tell whether an error that ended the work is one that we did not foresee."""
    return not isinstance(error, _FORESEEN)


def decide(loaded: Loaded, cobalt: Caller, findings: Findings) -> Exception | None:
    """Carry out what is pending. This is the one place where any exception is caught.

    Returns:
        The error that ended the work; None: none did.
    """
    try:
        if not loaded.slug:
            handle_account(loaded, cobalt, findings)
        elif not account_goes_first(loaded, findings):
            handle_connection(loaded, cobalt, findings)
    except Exception as error:
        if isinstance(error, CobaltError) and error.effect_possible:
            findings.doubt(loaded.slug, reason="a write got no answer and may still take effect")
        if is_bug(error):
            log.exception("attempt_failed", account=loaded.account_id, slug=loaded.slug)
        return error
    return None
