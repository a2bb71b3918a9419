"""What is done when an attempt fails as a whole, by an error of ours: the account waits, as after any other failure."""

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cobalt_mirror.db.due import forget_sent
from cobalt_mirror.db.engine import Clock
from cobalt_mirror.db.failures import count_failures, give_up_lease, record_failure
from cobalt_mirror.workers.handlers.findings import Findings, record_wanted
from cobalt_mirror.workers.handlers.load import Claim
from cobalt_mirror.workers.outcomes import Backoff, wait_after
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()


_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Puts off the accounts whose attempts fail as a whole. Safe to share between threads."""

    engine: Engine
    clock: Clock
    settings: Settings
    backoff: Backoff

    def put_off(self, linked_account_id: str, claim: Claim | None, error: Exception) -> None:
        """Record the failure in a transaction of its own, which reads nothing that a host has written.

        Args:
            linked_account_id: the account.
            claim: what was loaded; None: not even that could be done.
            error: what ended the attempt.

        Raises:
            Exception: `error`, because the database fails; the message comes again.
        """
        try:
            self._record(linked_account_id, claim, describe(error))
        except SQLAlchemyError:
            raise error from None
        log.exception("attempt_failed", account=linked_account_id, exc_info=error)

    def _record(self, linked_account_id: str, claim: Claim | None, reason: str) -> None:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            if claim is None:
                forget_sent(connection, linked_account_id)
            elif not give_up_lease(connection, claim.lease):
                return
            failures = count_failures(connection, linked_account_id, now)
            due_at = now + wait_after(failures, self.settings, self.backoff)
            record_failure(connection, linked_account_id, now=now, due_at=due_at, reason=reason)
            if claim is not None:  # its calls may have done something that the mirror does not show
                findings = Findings.begin(claim.loaded)
                findings.doubt(claim.loaded.slug, reason="an attempt could not be saved")
                record_wanted(connection, findings, now)


def describe(error: Exception) -> str:
    """Return an error's class and the first line of its text, without the values that a statement was given."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = "" if isinstance(error, SQLAlchemyError) and cause is error else str(cause).partition("\n")[0]
    return f"{type(cause).__name__}: {text}"[:_LONGEST_REASON].removesuffix(": ")
