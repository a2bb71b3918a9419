"""The errors of calls to Cobalt, as one tree.

CobaltError
├── InvalidIdentifier        a value that cannot be sent to Cobalt (also a ValueError)
├── TransportError           there is no complete answer
│   ├── ConnectFailed        Cobalt was not reached: the call had no effect
│   └── NoAnswer             the request may have arrived, its answer did not
│       └── DeadlineExceeded the same, because the time for the call ran out
├── UnexpectedAnswer         an answer that is not documented
└── ResponseError            Cobalt answered with an error
    ├── KeyRefused           401, 403: wrong key, or a key of the other environment
    ├── RateLimited          429, or no free slot under Cobalt's limit
    ├── ServerError          5xx and 408: Cobalt failed
    ├── CredentialsRefused   the provider refused the customer's credentials
    ├── UnknownAccount       no such linked account in this environment
    ├── UnknownApplication   no such application, or it is not enabled
    ├── UnknownConfig        no such config, field or workflow
    └── Refused              every other 4xx
"""

from __future__ import annotations

from typing import Any


class CobaltError(Exception):
    """The root of this package's errors.

    Attributes:
        call: Method and path of the request; empty if there was none.
        effect_possible: Whether the request was a write that may have happened although it failed. Read before trying
            again.
    """

    def __init__(self, message: str, *, call: str = "", effect_possible: bool = False) -> None:
        where = f"{call}: " if call else ""
        warning = "; the write may have taken effect, so a retry has to read first" if effect_possible else ""
        super().__init__(f"{where}{message}{warning}")
        self.call = call
        self.effect_possible = effect_possible


class InvalidIdentifier(CobaltError, ValueError):
    """An identifier cannot be sent to Cobalt. A retry does not help: the host must choose another."""


class TransportError(CobaltError):
    """There is no complete answer. Try again later."""


class ConnectFailed(TransportError):
    """Cobalt was not reached, so the call had no effect. Try again later."""


class NoAnswer(TransportError):
    """The request may have arrived, its answer did not. Read before writing again."""


class DeadlineExceeded(NoAnswer):
    """The time for the call ran out before the whole answer was there. Read before writing again."""


class UnexpectedAnswer(CobaltError):
    """An undocumented answer: a proxy's page, truncated JSON, a missing key. Try again later."""


class ResponseError(CobaltError):
    """Cobalt answered with an error.

    Attributes:
        status: The HTTP status.
        code: Cobalt's error code, such as `INVALID_APP_ID`; None if the body has none.
        message: Cobalt's message, cut to 500 characters; empty if the body has none.
        request_id: Id for Cobalt's support; None if the body has none.
    """

    meaning = "Cobalt answered with an error"

    def __init__(
        self,
        *,
        status: int,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        call: str = "",
        effect_possible: bool = False,
    ) -> None:
        parts = " ".join(part for part in (str(status), code, message and f'"{message}"') if part)
        request = f" (request_id {request_id})" if request_id else ""
        super().__init__(f"{self.meaning}: {parts}{request}", call=call, effect_possible=effect_possible)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id

    def as_json(self) -> dict[str, Any]:
        """Return Cobalt's answer for storage; it holds no secret of the request."""
        answer = {"status": self.status, "code": self.code, "message": self.message, "request_id": self.request_id}
        return {"call": self.call, **answer}


class KeyRefused(ResponseError):
    """The key is wrong, or belongs to the other environment: the operator must act. Events are not at fault."""

    meaning = "Cobalt refused the credentials of this call; check COBALT_API_KEY and its environment (tk test, pk live)"


class RateLimited(ResponseError):
    """Over Cobalt's rate limit. A governor raises it too; then no request was sent. Wait, then try again.

    Attributes:
        retry_after_seconds: How long to wait; None if Cobalt did not say.
    """

    meaning = "over Cobalt's rate limit; wait before the next call"

    def __init__(
        self,
        retry_after_seconds: float | None = None,
        *,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        call: str = "",
    ) -> None:
        super().__init__(status=429, code=code, message=message, request_id=request_id, call=call)
        self.retry_after_seconds = retry_after_seconds


class ServerError(ResponseError):
    """Cobalt failed; a write may have happened. Read before writing again."""

    meaning = "Cobalt failed on its side; try again later"


class CredentialsRefused(ResponseError):
    """The provider refused the customer's credentials: the customer must correct them. Nothing was stored."""

    meaning = "the provider refused these credentials; the customer must enter them again"


class UnknownAccount(ResponseError):
    """Cobalt has no such linked account in this environment. Upsert it, then try again."""

    meaning = "no such linked account in this environment; create it first"


class UnknownApplication(ResponseError):
    """No such application, or it is not enabled for this organisation: the operator must act."""

    meaning = "no such application; check the slug and that it is enabled in Cobalt"


class UnknownConfig(ResponseError):
    """No such config, or no such field or workflow in it. Find or create the config first."""

    meaning = "no such config, field or workflow; find or create the config first"


class Refused(ResponseError):
    """Cobalt refused the request, and a retry does not help. Stop."""

    meaning = "Cobalt refused the request; a retry does not help"
