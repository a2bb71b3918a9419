"""What happened in the host's domain: the event types, and publish()."""

from events.cloudevents import parse_cloudevent, read_cloudevent
from events.errors import EventError, IdConflict, InvalidEvent
from events.publish import Receipt, publish, publish_many
from events.types import (
    EVENT_TYPES,
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    EventType,
    UserDeleted,
    UserSignedUp,
    WorkflowPatch,
)

__all__ = [
    "EVENT_TYPES",
    "ConfigChanged",
    "ConnectionAuthorized",
    "ConnectionRemoved",
    "Event",
    "EventError",
    "EventType",
    "IdConflict",
    "InvalidEvent",
    "Receipt",
    "UserDeleted",
    "UserSignedUp",
    "WorkflowPatch",
    "parse_cloudevent",
    "publish",
    "publish_many",
    "read_cloudevent",
]
