"""The two kinds of receivers, and how one attempt at each is made."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Protocol

import structlog
from sqlalchemy import Connection, Engine

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.statuses import ChangeType, ReceiverKind
from cobalt_mirror.workers.notices.handlers import Handler
from cobalt_mirror.workers.notices.notice import Notice
from cobalt_mirror.workers.notices.schedule import Answer, Ending
from cobalt_mirror.workers.notices.sending import Sender

log = structlog.get_logger()

#: Records in a transaction that the notice was taken; returns whether the attempt is still ours.
Finish = Callable[[Connection], bool]


class Receiver(Protocol):
    """What gets notices. The longest attempt takes `lease_seconds`; then another process may make one."""

    name: str
    kind: ReceiverKind
    types: frozenset[ChangeType]
    lease_seconds: float

    def attempt(self, notice: Notice, finish: Finish) -> Answer | None:
        """Make one attempt, and return how it ended; None: that is recorded already."""
        ...


class EndpointReceiver:
    """An endpoint.

    Args:
        sender: Sends to it.
    """

    kind = ReceiverKind.ENDPOINT

    def __init__(self, sender: Sender) -> None:
        self.name, self.types = sender.endpoint.name, sender.endpoint.types
        self.lease_seconds = sender.timeout_seconds + 40.0
        self._sender = sender

    def attempt(self, notice: Notice, finish: Finish) -> Answer:
        """Send it a webhook."""
        try:
            return self._sender.send(notice)
        except Exception as error:  # an attempt that nothing is recorded of would be made again without end
            return Answer(ending=Ending.UNANSWERED, detail=f"the attempt broke off ({type(error).__name__})")


class _OvertakenError(Exception):
    """Another process makes the attempt again, as this one took too long."""


class TransactionEnded(Exception):
    """The function has ended the transaction, so that what it wrote cannot commit together with our note."""


class NotCarriedOut(Exception):
    """The function did nothing yet: it returned something that has to be awaited."""


@dataclass(frozen=True, slots=True)
class _Failure:
    where: str
    text: str


class HandlerReceiver:
    """A handler, which has a transaction of its own.

    Args:
        handler: The function.
        engine: Of the database.
    """

    kind = ReceiverKind.HANDLER
    lease_seconds = 900.0

    def __init__(self, handler: Handler, engine: Engine) -> None:
        self.name, self.types = handler.name, handler.types
        # On SQLite the transaction takes the one write lock at the first write, so not while a mail is sent before.
        self._function, self._engine = handler.function, reading(engine)

    def attempt(self, notice: Notice, finish: Finish) -> Answer | None:
        """Call it. What it writes commits together with the note that it is done."""
        try:
            with self._engine.begin() as connection:
                returned = self._function(notice, connection)
                if isawaitable(returned):
                    raise NotCarriedOut("it returned something to await, and nobody awaits it")
                if connection.closed or not connection.in_transaction():
                    raise TransactionEnded("the transaction is ours to end; call no commit, rollback or close on it")
                if not finish(connection):
                    raise _OvertakenError
        except _OvertakenError:
            log.warning("handler_too_slow", handler=self.name, notice=notice.id, limit_seconds=self.lease_seconds)
        except BaseException as error:  # the host's code: not even an `asyncio.CancelledError` may end our thread
            failure = _describe(error)
            log.warning("handler_failed", handler=self.name, notice=notice.id, error=failure.text, at=failure.where)
            detail = str(error) if isinstance(error, NotCarriedOut) else f"it raised {type(error).__name__}"
            return Answer(ending=Ending.FAILED, detail=detail)
        return None


def _describe(error: BaseException) -> _Failure:
    """Return an error on one line, and where it was raised."""
    trace, where = error.__traceback__, "?"
    while trace is not None:
        where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
    first, *_ = str(error).splitlines() or [""]
    return _Failure(where=where, text=f"{type(error).__name__}: {first[:300]}")
