"""Errors for Sentry: what ended an attempt by our fault, and the first dead event of a reason that is the operator's.

Importing this loads `sentry_sdk`. What is sent is made from a list of what may be: classes, functions, line numbers and
four tags. The text of an exception is not among it, as it may say what a customer wrote; the log and the event have it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport
from sentry_sdk.utils import event_from_exception

from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.release import release
from cobalt_mirror.workers.telemetry.observing import Observer
from cobalt_mirror.workers.telemetry.report import Death, Ending

#: What is left of an event.
_FIELDS = ("event_id", "timestamp", "platform", "level", "release", "environment", "message", "tags", "fingerprint")
_FRAME_FIELDS = ("module", "function", "filename", "lineno", "in_app")
#: The longest that the end of the process waits for Sentry, in seconds.
_CLOSE_SECONDS = 2.0


class Sentry(Observer):
    """Sends errors to Sentry. A failure that goes on is sent as often as it is logged: see `Repeats`.

    Args:
        dsn: Where to.
        transport: What sends; None: HTTP.
        repeats: Which of them are news.
    """

    watches_deaths = True

    def __init__(
        self,
        dsn: str,
        *,
        transport: type[Transport] | Callable[[Any], None] | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self._repeats = Repeats() if repeats is None else repeats
        # A client of our own: nothing of the process is patched, and what a host set up in it stays as it is.
        self._client = sentry_sdk.Client(
            dsn,
            transport=transport,
            release=f"cobalt-mirror@{release()}",
            before_send=_reduce,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            send_client_reports=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            server_name="",
        )

    def broke(self, error: Exception, endings: Sequence[Ending], slug: str) -> None:
        """Send an error of ours that ended an attempt."""
        name = type(error).__name__
        if self._repeats.count_unless_silent(name) is None:
            return
        types = ",".join(sorted({ending.type for ending in endings}))
        tags = {"type": types, "slug": slug, "reason": name, "move": str(Move.OPERATOR)}
        event, _ = event_from_exception(error, client_options=self._client.options)
        event["tags"] = _told(tags)
        self._client.capture_event(event)

    def died(self, deaths: Sequence[Death]) -> None:
        """Send the first events that are dead for a reason of the operator's."""
        for death in deaths:
            tags = {"type": death.type, "slug": death.slug, "reason": death.reason, "move": str(death.move)}
            message = f"dead for the operator: {death.reason}"
            self._client.capture_event(
                {"message": message, "level": "error", "fingerprint": list(tags.values()), "tags": _told(tags)}
            )

    def close(self) -> None:
        """Send what is not sent yet."""
        self._client.close(timeout=_CLOSE_SECONDS)


def _told(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags that say something; Sentry refuses an empty one."""
    return {name: value for name, value in tags.items() if value}


def _reduce(event: Any, _hint: Any) -> Any:
    """Return what may be sent of an event."""
    reduced = {name: event[name] for name in _FIELDS if name in event}
    exceptions = event.get("exception", {}).get("values", [])
    if exceptions:
        reduced["exception"] = {"values": [_reduce_exception(exception) for exception in exceptions]}
    return reduced


def _reduce_exception(exception: Any) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    kept = [{name: frame[name] for name in _FRAME_FIELDS if name in frame} for frame in frames]
    return {"type": exception.get("type"), "module": exception.get("module"), "stacktrace": {"frames": kept}}
