"""The errors of our processes. Cobalt's, the database's and the events' errors have roots of their own.

WorkersError
├── NotReady              a command cannot do its work: correct what the text names, then run it again
├── ProcfileError         the Procfile cannot be used: correct the line that the text names
├── RedisNotStarted       the embedded Redis did not start: install or free what the text names
├── CommandFailed         the command that runs before the processes failed: see its output
├── OutOfTime             too little of the lease is left for another call: the next attempt does the rest
├── AccountDenied         Cobalt says that it does not have an account: it is looked at again before that is believed
├── AccountGone           Cobalt no longer has an account that the mirror has: sign it up again, if it should exist
├── BrakeHeld             a reconciliation stopped, as too much seems deleted: check at Cobalt, then allow it once
├── WorkHalted            work is halted, so a reconciliation cannot continue: run it again when the halt has ended
├── WorkPaused            work is paused, so a reconciliation cannot continue: resume it, then run it again
├── UnknownReceiver       no receiver of notices has that name: use a name that the text lists
├── NotJson               a request's body is not JSON that can be stored: the client must correct it
├── UnknownShape          a notification is not of the documented form: it is refused, and nothing is lost
└── Closing               the demo ends before a customer is done: nothing to do
"""

from datetime import timedelta


class WorkersError(Exception):
    """The root of this package's errors."""


class NotReady(WorkersError):
    """A command cannot do its work. The text says what is wrong and what to do."""


class ProcfileError(WorkersError):
    """The Procfile cannot be used. The text names file and line. Correct it; a retry changes nothing."""


class RedisNotStarted(WorkersError):
    """The embedded Redis did not start. The text says what to do."""


class CommandFailed(WorkersError):
    """The command that runs before the processes failed; its output says why. Correct that before starting anything."""


class OutOfTime(WorkersError):
    """Too little of the lease is left for another call. What is done is recorded; the next attempt does the rest."""


class AccountDenied(WorkersError):
    """Cobalt says that it does not have an account that the mirror has, which is not believed yet.

    Attributes:
        delay: when to look again; None: too many accounts are denied at once, so try again as after a failure.
    """

    def __init__(self, message: str, *, delay: timedelta | None) -> None:
        super().__init__(message)
        self.delay = delay


class AccountGone(WorkersError):
    """Cobalt no longer has an account that the mirror has."""


class BrakeHeld(WorkersError):
    """More seems deleted than a reconciliation accepts without confirmation. The text says how to allow it once."""


class WorkHalted(WorkersError):
    """All work is halted. The text says why."""


class WorkPaused(WorkersError):
    """The operator has paused the reconciliation, or everything. Resume it, then run it again."""


class UnknownReceiver(WorkersError):
    """No endpoint and no handler has this name. The text says which there are."""


class NotJson(WorkersError, ValueError):
    """The body is not JSON that can be read and stored. The text says why."""


class UnknownShape(WorkersError, ValueError):
    """The body is JSON, but not a notification in the documented form. The text names the field."""


class Closing(WorkersError):
    """The demo ends before this customer is done."""
