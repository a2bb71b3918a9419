"""Events of the host's domain: the event types, and publish()."""

from cobalt_mirror.events.asynchronous import publish_async, publish_many_async
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
from cobalt_mirror.events.waiting import Waited, wait_for, wait_for_async

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
    "Waited",
    "WorkflowPatch",
    "parse_cloudevent",
    "publish",
    "publish_async",
    "publish_many",
    "publish_many_async",
    "read_cloudevent",
    "wait_for",
    "wait_for_async",
]
