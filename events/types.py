"""The event types: what happened in the host's domain, and the rules that make an event acceptable."""

import json
import re
from collections.abc import Mapping
from dataclasses import field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, NotRequired, Self

import uuid6
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
    with_config,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs
from typing_extensions import TypedDict

from cobalt_mirror.events.errors import InvalidEvent, describe, shown

#: The longest identifier, name or slug, in characters.
LONGEST = 200
#: The largest payload, in bytes of JSON.
LARGEST_PAYLOAD = 256 * 1024
#: The largest integer in a value. Beyond it readers in other languages disagree.
LARGEST_INTEGER = 2**63 - 1
#: How many lists and objects may be inside each other in one value.
DEEPEST = 64
#: How far ahead of this machine's clock an event may claim to have happened.
CLOCK_TOLERANCE = timedelta(minutes=5)
#: No host's clock was right before this.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class EventType(StrEnum):
    """The names that events go by in the log, on the queues and in CloudEvents."""

    USER_SIGNED_UP = "user_signed_up"
    USER_DELETED = "user_deleted"
    CONNECTION_AUTHORIZED = "connection_authorized"
    CONFIG_CHANGED = "config_changed"
    CONNECTION_REMOVED = "connection_removed"


def _is_printable(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters or half a surrogate pair")
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _can_travel(value: str) -> str:
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which mean something else in a path")
    return value


def _is_shallow(value: object, left: int = DEEPEST) -> object:
    """Neither Python, pydantic nor a database's JSON takes just any depth."""
    if isinstance(value, list | dict):
        if not left:
            raise ValueError(f"must not be nested more than {DEEPEST} deep")
        for item in value.values() if isinstance(value, dict) else value:
            _is_shallow(item, left - 1)
    return value


def _is_storable(value: JsonValue) -> JsonValue:
    """Text and numbers anywhere in a value must be something that a JSON column takes."""
    if isinstance(value, str) and _CONTROL_IN_TEXT.search(value):
        raise ValueError("must not contain control characters or half a surrogate pair")
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 - NaN
        raise ValueError("must not contain NaN or infinity, which JSON does not know")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError("must not contain integers of more than 64 bits; write them as text")
    if isinstance(value, list):
        for item in value:
            _is_storable(item)
    if isinstance(value, dict):
        for key, item in value.items():
            _is_storable(key)
            _is_storable(item)
    return value


def _is_plausible(value: datetime) -> datetime:
    if value > datetime.now(UTC) + CLOCK_TOLERANCE:
        raise ValueError("must not be more than 5 minutes ahead; check the clock of the machine that publishes")
    if value < EARLIEST:
        raise ValueError("must not be before the year 2000")
    return value.astimezone(UTC)


_Short = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_is_printable)]
Identifier = Annotated[_Short, AfterValidator(_can_travel)]
Text = Annotated[str, AfterValidator(_is_storable)]
Value = Annotated[JsonValue, BeforeValidator(_is_shallow), AfterValidator(_is_storable)]
Moment = Annotated[AwareDatetime, AfterValidator(_is_plausible)]


@with_config(ConfigDict(extra="forbid", strict=True))
class WorkflowPatch(TypedDict):
    """What changes in one workflow of a config: whether it is enabled, some of its fields, or both."""

    id: Identifier
    enabled: NotRequired[bool]
    fields: NotRequired[dict[Identifier, Value]]


def new_id() -> str:
    """A time-ordered UUID (version 7)."""
    return str(uuid6.uuid7())


def _now() -> datetime:
    return datetime.now(UTC)


_RULES = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, config=_RULES)
class Event:
    """What every event has. Making one that breaks a rule raises `InvalidEvent`, which names the field: mend it.

    Attributes:
        linked_account_id: the host's own id of the customer. 1 to 200 characters, no control characters.
        id: unique within `source`; publishing the same again is a no-op. Default: a new time-ordered UUID.
        source: who publishes. Default: `host`.
        occurred_at: when it happened, aware; decides the order of events. Default: now.
    """

    type: ClassVar[EventType]
    payload_fields: ClassVar[tuple[str, ...]]

    linked_account_id: Identifier
    id: _Short = field(default_factory=new_id, kw_only=True)
    source: _Short = field(default="host", kw_only=True)
    occurred_at: Moment = field(default_factory=_now, kw_only=True)

    @model_validator(mode="wrap")
    @classmethod
    def _breaks_no_rule(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(_by_name(cls, given))
        except ValidationError as error:
            raise InvalidEvent(describe(error)) from None

    @classmethod
    def from_fields(cls, told: dict[str, Any]) -> Self:
        """Make an event of fields whose names a stranger chose.

        Raises:
            InvalidEvent: a field breaks a rule, is missing or unknown; the text names it.
        """
        unknown = told.keys() - _names(cls.type)
        if unknown:
            raise InvalidEvent(f"{shown(min(unknown))}: {cls.type} has no such field")
        return cls(**told)

    def payload(self) -> dict[str, Any]:
        """What the event says beyond its subject; fields that were left out are not in it."""
        told = {name: getattr(self, name) for name in self.payload_fields}
        return {name: value for name, value in told.items() if value is not None}

    def subject_slug(self) -> str | None:
        """The application that the event is about; None: the account itself."""
        slug: str | None = getattr(self, "slug", None)
        return slug


@cache
def _names(of: EventType) -> frozenset[str]:
    return frozenset(each.name for each in fields(EVENT_TYPES[of]))


def _by_name(kind: type[Event], given: Any) -> Any:
    """The same arguments by name: pydantic calls a positional one by its number."""
    if not isinstance(given, ArgsKwargs):
        return given
    told = given.kwargs or {}
    if not given.args:
        return given
    positional = [each.name for each in fields(kind) if each.init and not each.kw_only]
    if len(given.args) > len(positional) or told.keys() & positional[: len(given.args)]:
        return given  # pydantic says what is wrong with it
    return ArgsKwargs((), {**dict(zip(positional, given.args, strict=False)), **told})


@dataclass(frozen=True, config=_RULES)
class UserSignedUp(Event):
    """A customer signed up, or their details changed.

    Attributes:
        name: the customer's name. `None` keeps what Cobalt has.
        udf: text by text, replaces the account's user-defined fields. `None` keeps them.
        auth_credentials: secrets that Cobalt needs to call the host's own API for this customer.
    """

    type: ClassVar[EventType] = EventType.USER_SIGNED_UP
    payload_fields: ClassVar[tuple[str, ...]] = ("name", "udf", "auth_credentials")

    name: _Short | None = None
    udf: dict[Identifier, Text] | None = None
    auth_credentials: dict[Identifier, Text] | None = field(default=None, repr=False)


@dataclass(frozen=True, config=_RULES)
class UserDeleted(Event):
    """A customer left for good: the account goes at Cobalt, and everything personal goes here.

    It ends one generation of the account. Only a `UserSignedUp` that occurred later begins another.
    """

    type: ClassVar[EventType] = EventType.USER_DELETED
    payload_fields: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, config=_RULES)
class ConnectionAuthorized(Event):
    """A customer says to have connected an application; Cobalt is asked whether it is so.

    Attributes:
        slug: the application.
        auth_type: the way it was connected, if the host knows. `None`: any.
    """

    type: ClassVar[EventType] = EventType.CONNECTION_AUTHORIZED
    payload_fields: ClassVar[tuple[str, ...]] = ("auth_type",)

    slug: Identifier
    auth_type: _Short | None = None


@dataclass(frozen=True, config=_RULES)
class ConfigChanged(Event):
    """A customer changed how an application is set up.

    Attributes:
        slug: the application.
        config_id: which config of it. `None`: the one that bears the account's own id.
        fields: what changes, field by field; `None` as a value clears. What is not named stays.
        workflows: what changes, workflow by workflow. With no fields either: read the config and mirror it.
    """

    type: ClassVar[EventType] = EventType.CONFIG_CHANGED
    payload_fields: ClassVar[tuple[str, ...]] = ("config_id", "fields", "workflows")

    slug: Identifier
    config_id: Identifier | None = None
    fields: dict[Identifier, Value] = field(default_factory=dict, repr=False)
    workflows: list[WorkflowPatch] = field(default_factory=list, repr=False)


@dataclass(frozen=True, config=_RULES)
class ConnectionRemoved(Event):
    """A customer disconnected an application. It applies to the connection that was there then, not to a newer one.

    Attributes:
        slug: the application.
        auth_type: which of its connected accounts. `None`: all of them.
    """

    type: ClassVar[EventType] = EventType.CONNECTION_REMOVED
    payload_fields: ClassVar[tuple[str, ...]] = ("auth_type",)

    slug: Identifier
    auth_type: _Short | None = None


EVENT_TYPES: Mapping[str, type[Event]] = {
    str(kind.type): kind for kind in (UserSignedUp, UserDeleted, ConnectionAuthorized, ConfigChanged, ConnectionRemoved)
}


def payload_size(payload: Mapping[str, Any]) -> int:
    """The size of a payload, in bytes of JSON."""
    return len(json.dumps(payload, ensure_ascii=False).encode())
