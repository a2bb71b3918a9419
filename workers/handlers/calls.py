"""The calls of an attempt, as they are recorded: which are, and what each came to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cobalt_mirror.cobalt import (
    CobaltError,
    ConnectFailed,
    KeyRefused,
    NoAnswer,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
    UnknownAccount,
    UnknownApplication,
    UnknownConfig,
)
from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.db.calls import AttemptCalls, MadeCall
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.db.statuses import CallOutcome
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.save import cause_of

#: Of each error with an answer or without; every other one is `REFUSED`.
_OUTCOMES: tuple[tuple[type[CobaltError], CallOutcome], ...] = (
    (UnknownAccount, CallOutcome.ABSENT),
    (UnknownApplication, CallOutcome.ABSENT),
    (UnknownConfig, CallOutcome.ABSENT),
    (KeyRefused, CallOutcome.KEY_REFUSED),
    (RateLimited, CallOutcome.THROTTLED),
    (ServerError, CallOutcome.FAILED),
    (UnexpectedAnswer, CallOutcome.UNEXPECTED),
    (ConnectFailed, CallOutcome.UNREACHED),
    (NoAnswer, CallOutcome.UNANSWERED),
)


def calls_of(
    loaded: Loaded, lease: Lease, exchanged: Sequence[tuple[Exchanged, str | None]], *, began: float
) -> AttemptCalls | None:
    """Return the calls of an attempt to record; None: there are none, or the attempt is not in the sample.

    Args:
        loaded: what the attempt loaded.
        lease: its lease, whose token is the attempt's id.
        exchanged: what each request came to, with the connection that its call named.
        began: the process's monotonic clock at `loaded.now`.
    """
    if not exchanged or not is_sampled(lease.token, loaded.settings.calls_sample_share):
        return None
    return AttemptCalls(
        linked_account_id=loaded.account_id,
        slug=loaded.slug,
        attempt=lease.token,
        because=cause_of(loaded),
        calls=[_made(each, named, loaded.now + timedelta(seconds=each.began - began)) for each, named in exchanged],
    )


def is_sampled(token: str, share: float) -> bool:
    """Tell whether an attempt is among a share of all, by its random token of hexadecimal digits."""
    return int(token[:8], 16) < share * 16**8


def _made(exchanged: Exchanged, connection_id: str | None, made_at: datetime) -> MadeCall:
    return MadeCall(
        made_at=made_at,
        connection_id=connection_id,
        method=exchanged.method,
        path=exchanged.template,
        status=exchanged.status,
        took_ms=round(exchanged.took_seconds * 1_000),
        waited_ms=round(exchanged.waited_seconds * 1_000),
        request_id=exchanged.request_id,
        outcome=outcome_of_call(exchanged),
    )


def outcome_of_call(exchanged: Exchanged) -> CallOutcome:
    """Return what a request came to."""
    if not exchanged.is_sent:
        return CallOutcome.NOT_SENT
    error = exchanged.error
    if error is None:
        return CallOutcome.UNANSWERED if exchanged.status is None else CallOutcome.ANSWERED
    return next((outcome for kind, outcome in _OUTCOMES if issubclass(error, kind)), CallOutcome.REFUSED)
