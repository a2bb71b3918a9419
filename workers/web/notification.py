"""The kinds of Cobalt's notifications, and what is recorded for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.columns import storable
from cobalt_mirror.db.notifications import EndedRun, record_notification, record_workflow_run
from cobalt_mirror.db.statuses import Expected, RunEnding
from cobalt_mirror.events.errors import describe
from cobalt_mirror.events.identifiers import LONGEST, Identifier
from cobalt_mirror.workers.errors import UnknownShape
from cobalt_mirror.workers.web.redaction import Redactor

#: What to do about a body that Cobalt made from a template.
NOT_DEFAULT = (
    'POST /webhooks/cobalt reads the default body of Cobalt\'s webhooks only; set webhook_type "default" on the '
    "subscription at Cobalt: run `cobalt-mirror webhook ensure URL`"
)
#: The rules that a field breaks if it is absent or not a text. A default body has every field.
_NO_TEXT = frozenset({"missing", "string_type"})

#: The ids and texts that Cobalt documents. They are kept, since they are short.
_DOCUMENTED_IDS = ("linked_account_id", "slug", "instance_id", "workflow_id", "config_id", "connection_id", "org_id")
_DOCUMENTED_TEXTS = ("event", "environment", "type", "createdAt", "workflow_name", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """What is stored of a notification's body. `error`: its error in one text; None if it has none."""

    payload: Mapping[str, Any]
    error: str | None


def keep_part(document: Mapping[str, Any], redactor: Redactor) -> KeptPart:
    """Return the part of a notification's body that is stored.

    The redactor's limit holds for the error, and once more for all else that is not documented.
    """
    ids = {name: document[name] for name in _DOCUMENTED_IDS if name in document and _is_short(document[name])}
    texts = {name: document[name] for name in _DOCUMENTED_TEXTS if isinstance(document.get(name), str)}
    others = document.keys() - ids.keys() - texts.keys() - {"error"}
    rest = {name: value for name, value in document.items() if name in others}
    payload = {
        **(redactor.keep(rest) or {}),
        **ids,
        **{name: redactor.redact(text, limit=LONGEST) for name, text in texts.items()},
        **({"error": redactor.keep(document["error"])} if "error" in document else {}),
    }
    return KeptPart(payload=payload, error=redactor.describe(payload.get("error")))


def _is_short(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST)


class Notification(BaseModel):
    """A notification of any kind. One with an unknown event is only recorded, under its account if it names one."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)

    event: str = Field(min_length=1, max_length=LONGEST)
    linked_account_id: Any = None

    def record(self, connection: Connection, kept: KeptPart, *, now: datetime) -> None:
        """Record the notification and its consequences, inside a transaction."""
        account_id = self.linked_account_id
        account = storable(account_id) if isinstance(account_id, str) and len(account_id) <= LONGEST else None
        record_notification(
            connection, received_at=now, event=self.event, payload=kept.payload, linked_account_id=account
        )


class ConnectionNotification(Notification):
    """A connection may have changed: a reason to read it. Its content is never copied into the mirror."""

    linked_account_id: Identifier
    slug: Identifier

    def record(self, connection: Connection, kept: KeptPart, *, now: datetime) -> None:
        """Record the notification, and a check of its connection that is due now."""
        account, slug = self.linked_account_id, self.slug
        record_notification(
            connection, received_at=now, event=self.event, payload=kept.payload, linked_account_id=account, slug=slug
        )
        expects = EXPECTED.get(self.event)
        reason = f"notification: {self.event}"
        record_check(connection, account, slug, due_at=now, reason=reason, expects=expects, at_once=True)


class WorkflowNotification(Notification):
    """A run of a workflow ended. `error` is not documented; the status is stored where it is absent."""

    linked_account_id: Identifier
    workflow_id: Identifier
    instance_id: Identifier
    config_id: Identifier | None = None
    workflow_name: str | None = None
    status: str | None = None

    def record(self, connection: Connection, kept: KeptPart, *, now: datetime) -> None:
        """Record the notification, and count the run: each instance of an account once."""
        is_new = record_notification(
            connection,
            received_at=now,
            event=self.event,
            payload=kept.payload,
            linked_account_id=self.linked_account_id,
            instance_id=self.instance_id,
        )
        if is_new:
            record_workflow_run(connection, self._run(kept), at=now)

    def _run(self, kept: KeptPart) -> EndedRun:
        ending, status = RUN_ENDINGS[self.event], kept.payload.get("status")
        return EndedRun(
            linked_account_id=self.linked_account_id,
            workflow_id=self.workflow_id,
            ending=ending,
            config_id=self.config_id,
            workflow_name=kept.payload.get("workflow_name"),
            status=status,
            error=kept.error or status or self.event if ending is RunEnding.ERRORED else None,
        )


#: How the run ended of which an event notifies.
RUN_ENDINGS: Mapping[str, RunEnding] = {
    "Workflow Completed": RunEnding.COMPLETED,
    "Workflow Errored": RunEnding.ERRORED,
    "Workflow Stopped": RunEnding.STOPPED,
    "Workflow Timed Out": RunEnding.TIMED_OUT,
}

#: What a read of the connection should show after an event. Cobalt notifies before all its answers show the change.
EXPECTED: Mapping[str, Expected] = {
    "Connection Created": Expected.CONNECTED,
    "Connection Expired": Expected.REAUTH_REQUIRED,
    "Connection Deleted": Expected.GONE,
}

_SHAPES: Mapping[str, type[Notification]] = {
    name: WorkflowNotification if name in RUN_ENDINGS else ConnectionNotification for name in EVENT_NAMES
}


def read_notification(document: Any) -> Notification:
    """Return the notification in a decoded body.

    Raises:
        UnknownShape: The body is not a notification. The text names the field at fault, and says what to do about a
            body that is not Cobalt's default one.
    """
    if not isinstance(document, dict):
        raise UnknownShape(f"notification: must be a JSON object; {NOT_DEFAULT}")
    event = document.get("event")
    shape = _SHAPES.get(event, Notification) if isinstance(event, str) else Notification
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        is_default = _NO_TEXT.isdisjoint(rule["type"] for rule in error.errors(include_input=False, include_url=False))
        raise UnknownShape(describe(error) if is_default else f"{describe(error)}; {NOT_DEFAULT}") from None
