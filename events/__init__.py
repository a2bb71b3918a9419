"""Events of the host's domain: the event types, and publish()."""

from cobalt_mirror.events.cloudevents import parse_cloudevent, read_cloudevent
from cobalt_mirror.events.errors import EventError, IdConflict, InvalidEvent
from cobalt_mirror.events.publish import Receipt, publish, publish_many
from cobalt_mirror.events.types import (
    EVENT_TYPES,
    ConfigChanged,
    ConfigRemoved,
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
    "ConfigRemoved",
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
