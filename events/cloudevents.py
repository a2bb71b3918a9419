"""CloudEvents 1.0 in JSON, the form in which hosts that do not import us hand over events."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from events.errors import InvalidEvent
from events.types import EVENT_TYPES, Event

_ADAPTERS: dict[str, TypeAdapter[Event]] = {name: TypeAdapter(kind) for name, kind in EVENT_TYPES.items()}


class _Envelope(BaseModel):
    """The context attributes that we read; CloudEvents allows others, so they are tolerated."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    specversion: str = Field(pattern=r"^1\.0$")
    id: str
    source: str
    type: str
    time: str | None = None
    data: dict[str, Any]


def parse_cloudevent(text: str | bytes) -> Event:
    """Read one event in the structured JSON form; `data` holds the event's own fields.

    Raises:
        InvalidEvent: not JSON, not a CloudEvent, or the event breaks a rule; the text names the field.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"not JSON: {error}") from None
    return read_cloudevent(document)


def read_cloudevent(document: Any) -> Event:
    """Read one event from a decoded document. See `parse_cloudevent`."""
    try:
        envelope = _Envelope.model_validate(document)
        adapter = _ADAPTERS.get(envelope.type)
        if adapter is None:
            raise InvalidEvent(f"type: not one of {', '.join(_ADAPTERS)}")
        own = {"id": envelope.id, "source": envelope.source}
        times = {} if envelope.time is None else {"occurred_at": envelope.time}
        twice = sorted({"id", "source", "occurred_at"} & envelope.data.keys())
        if twice:
            raise InvalidEvent(f"data.{twice[0]}: belongs outside data, as a context attribute (occurred_at as time)")
        return adapter.validate_json(json.dumps({**envelope.data, **own, **times}))
    except ValidationError as error:
        raise InvalidEvent(describe(error)) from None
    except RecursionError:
        raise InvalidEvent("data: nested too deeply") from None


def describe(error: ValidationError) -> str:
    """One clause a broken rule: the field and what it wants. The value stays out: it may be a secret."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'event'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False)
    )
