"""CloudEvents 1.0 in JSON, for hosts that do not import this package."""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cobalt_mirror.db.host_columns import is_traceparent
from cobalt_mirror.events.errors import InvalidEvent, describe
from cobalt_mirror.events.types import EVENT_TYPES, Event

_RFC_3339 = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"


class _Envelope(BaseModel):
    """The context attributes that are read; others are allowed and ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    specversion: str = Field(pattern=r"^1\.0$")
    id: str
    source: str
    type: str
    traceparent: Any = None
    time: str | None = Field(default=None, pattern=_RFC_3339)
    data: dict[str, Any]


def parse_cloudevent(text: str | bytes) -> Event:
    """Read one event in the structured JSON form; `data` holds the event's own fields.

    Raises:
        InvalidEvent: The text is not JSON, not a CloudEvent, or the event breaks a rule. The message names the field.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidEvent(f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise InvalidEvent("not JSON: the text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise InvalidEvent("JSON that cannot be read: a number is too long, or the nesting is too deep") from None
    return read_cloudevent(document)


def read_cloudevent(document: Any) -> Event:
    """Read one event from a decoded document. See `parse_cloudevent`."""
    if not isinstance(document, dict):
        raise InvalidEvent("event: must be a JSON object")
    try:
        envelope = _Envelope.model_validate(document)
    except ValidationError as error:
        raise InvalidEvent(describe(error)) from None
    kind = EVENT_TYPES.get(envelope.type)
    if kind is None:
        raise InvalidEvent(f"type: must be one of {', '.join(EVENT_TYPES)}")
    misplaced = sorted({"id", "source", "occurred_at", "traceparent"} & envelope.data.keys())
    if misplaced:
        raise InvalidEvent(
            f"data.{misplaced[0]}: must not be in data; send it as a context attribute (occurred_at as time)"
        )
    fields: dict[str, Any] = {**envelope.data, "id": envelope.id, "source": envelope.source}
    if is_traceparent(envelope.traceparent):  # W3C Trace Context wants any other value to be ignored
        fields["traceparent"] = envelope.traceparent
    if envelope.time is not None:
        fields["occurred_at"] = _moment(envelope.time)
    return kind.from_fields(fields)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise InvalidEvent("time: must be a date and time such as 2026-01-31T12:00:00Z") from None
