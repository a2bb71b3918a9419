"""The calls to Cobalt as they are recorded: which of them are, and the outcome of each."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

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
from cobalt_mirror.cobalt.exchanged import Exchanged, collecting
from cobalt_mirror.db.calls import MadeCall, MadeCalls, record_unless_deleted
from cobalt_mirror.db.engine import Clock
from cobalt_mirror.db.statuses import CallOutcome

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorder:
    """Records the calls that belong to no attempt: each block of them in a transaction of its own.

    Attributes:
        share: the share of the blocks whose calls are kept.
        monotonic: the process's clock, in seconds.
    """

    engine: Engine
    clock: Clock
    share: float
    monotonic: Callable[[], float] = time.monotonic

    @contextmanager
    def recording(self, because: Mapping[str, Any], *, linked_account_id: str = "", slug: str = "") -> Iterator[None]:
        """Record the calls of a block, however it ends. If the database fails at that, they are lost.

        Args:
            because: what they are for.
            linked_account_id: the account that they are about; empty: none.
            slug: the application; empty: none.
        """
        exchanged: list[Exchanged] = []
        try:
            with collecting(exchanged):
                yield
        finally:
            token = secrets.token_hex(16)
            if exchanged and is_sampled(token, self.share):
                with suppress(SQLAlchemyError):
                    self._record(exchanged, token, because, linked_account_id, slug)

    def _record(
        self, exchanged: Sequence[Exchanged], token: str, because: Mapping[str, Any], account: str, slug: str
    ) -> None:
        with self.engine.begin() as connection:
            now, stopped = self.clock(connection), self.monotonic()
            made = [made_call(each, now - timedelta(seconds=stopped - each.began)) for each in exchanged]
            key = {"linked_account_id": account, "slug": slug}
            record_unless_deleted(connection, MadeCalls(**key, attempt=token, because=because, calls=made))


def is_sampled(token: str, share: float) -> bool:
    """Tell whether an attempt is among a share of all, by its random token of hexadecimal digits."""
    return int(token[:8], 16) < share * 16**8


def made_call(exchanged: Exchanged, made_at: datetime, *, connection_id: str | None = None) -> MadeCall:
    """Return a request as it is recorded."""
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
    """Return the outcome of a request."""
    if not exchanged.is_sent:
        return CallOutcome.NOT_SENT
    error = exchanged.error
    if error is None:
        return CallOutcome.UNANSWERED if exchanged.status is None else CallOutcome.ANSWERED
    return next((outcome for kind, outcome in _OUTCOMES if issubclass(error, kind)), CallOutcome.REFUSED)
