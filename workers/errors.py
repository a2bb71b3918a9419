"""What can go wrong in our processes. Other errors keep their own roots: Cobalt's, the database's, the events'.

WorkersError
├── NotReady              a command cannot do its work as things are: correct what the text names, then run it again
├── ProcfileError         the Procfile cannot be used: correct the line that the text names
├── RedisNotStarted       the embedded Redis did not start: the text says what to install or to free
├── ReleaseFailed         the Procfile's `release` command failed: its own output says why
├── OutOfTime             too little of the lease is left for another call: the rest goes on in the next attempt
├── AccountGone           Cobalt no longer has an account that the mirror knows: sign it up again, if it should exist
├── BrakeHeld             a reconciliation stopped: too much seems to be gone; look at Cobalt, then allow it once
├── WorkHalted            all work is halted, so a reconciliation cannot go on: run it again once work goes on
├── NotJson               a request's body is no JSON that can be read and stored: the sender must mend it
├── UnknownShape          a notification has not the shape that Cobalt documents: it is refused, nothing is lost
└── Closing               the demo ends before a customer is through: nothing to do
"""


class WorkersError(Exception):
    """The root of this package's errors."""


class NotReady(WorkersError):
    """A command cannot do its work as things are. The text says what is wrong and how to mend it."""


class ProcfileError(WorkersError):
    """The Procfile cannot be used as it is: the text names file and line. Correct it; a retry changes nothing."""


class RedisNotStarted(WorkersError):
    """The embedded Redis did not start. The text says what to do about it."""


class ReleaseFailed(WorkersError):
    """The Procfile's `release` command failed; its own output says why. Correct that before anything is started."""


class OutOfTime(WorkersError):
    """Too little of the lease is left for another call; what is done is recorded and the rest goes on later."""


class AccountGone(WorkersError):
    """Cobalt no longer has an account that the mirror knows."""


class BrakeHeld(WorkersError):
    """More seems to be gone than a reconciliation believes by itself. The text says how to allow it once."""


class WorkHalted(WorkersError):
    """All work is halted. The text says why."""


class NotJson(WorkersError, ValueError):
    """The body is no JSON that can be read and stored. The text says why."""


class UnknownShape(WorkersError, ValueError):
    """JSON, but not what a notification looks like. The text names the field."""


class Closing(WorkersError):
    """The demo ends before this customer is through."""
