"""The kinds of Cobalt's notifications, and what is recorded for each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.columns import storable
from cobalt_mirror.db.notifications import EndedRun, record_notification, record_workflow_run
from cobalt_mirror.events.errors import describe
from cobalt_mirror.events.types import LONGEST, Identifier
from cobalt_mirror.workers.errors import UnknownShape

#: The longest text that is kept of an error, in characters.
_LONGEST_ERROR = 1000


class Notification(BaseModel):
    """A notification of any kind. One with an unknown event is only recorded, under its account if it names one."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)

    event: str = Field(min_length=1, max_length=LONGEST)

    def record(self, connection: Connection, payload: Mapping[str, Any], *, now: datetime) -> None:
        """Record the notification and its consequences, inside a transaction."""
        account_id = payload.get("linked_account_id")
        account = storable(account_id) if isinstance(account_id, str) and len(account_id) <= LONGEST else None
        record_notification(connection, received_at=now, event=self.event, payload=payload, linked_account_id=account)


class ConnectionNotification(Notification):
    """A connection may have changed: a reason to read it. Its content is never copied into the mirror."""

    linked_account_id: Identifier
    slug: Identifier

    def record(self, connection: Connection, payload: Mapping[str, Any], *, now: datetime) -> None:
        """Record the notification, and a check of its connection that is due now."""
        account, slug = self.linked_account_id, self.slug
        record_notification(
            connection, received_at=now, event=self.event, payload=payload, linked_account_id=account, slug=slug
        )
        record_check(connection, account, slug, due_at=now, reason=f"notification: {self.event}")


class WorkflowNotification(Notification):
    """A run of a workflow ended. `error` is not documented; the status is stored where it is absent."""

    linked_account_id: Identifier
    workflow_id: Identifier
    instance_id: Identifier
    config_id: Identifier | None = None
    workflow_name: str | None = None
    status: str | None = None
    error: Any = None

    def record(self, connection: Connection, payload: Mapping[str, Any], *, now: datetime) -> None:
        """Record the notification, and count the run: each instance once."""
        is_new = record_notification(
            connection,
            received_at=now,
            event=self.event,
            payload=payload,
            linked_account_id=self.linked_account_id,
            instance_id=self.instance_id,
        )
        if is_new:
            record_workflow_run(connection, self._run(), at=now)

    def _run(self) -> EndedRun:
        message = self.error.get("message") if isinstance(self.error, Mapping) else self.error
        errored = str(message or self.status or self.event)[:_LONGEST_ERROR]
        return EndedRun(
            linked_account_id=self.linked_account_id,
            workflow_id=self.workflow_id,
            config_id=self.config_id,
            workflow_name=self.workflow_name,
            status=self.status,
            error=errored if self.event == "Workflow Errored" else None,
        )


_SHAPES: Mapping[str, type[Notification]] = {
    name: ConnectionNotification if name.startswith("Connection") else WorkflowNotification for name in EVENT_NAMES
}


def read_notification(document: Any) -> Notification:
    """Return the notification in a decoded body.

    Raises:
        UnknownShape: The body is not a notification. The text names the field at fault.
    """
    if not isinstance(document, dict):
        raise UnknownShape("notification: must be a JSON object")
    event = document.get("event")
    shape = _SHAPES.get(event, Notification) if isinstance(event, str) else Notification
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise UnknownShape(describe(error)) from None
