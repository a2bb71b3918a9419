"""The event types, and the rules that an event must keep."""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NotRequired, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic.functional_validators import ModelWrapValidatorHandler
from typing_extensions import TypedDict

from cobalt_mirror.events.arguments import field_names, named_arguments
from cobalt_mirror.events.errors import InvalidEvent, describe, field_path
from cobalt_mirror.events.identifiers import Identifier, Name
from cobalt_mirror.events.ids import new_id
from cobalt_mirror.events.tracing import Traceparent
from cobalt_mirror.events.values import Text, Value

#: How far in the future `occurred_at` may be, by this machine's clock.
CLOCK_TOLERANCE = timedelta(minutes=5)
#: An earlier `occurred_at` means that the host's clock is wrong.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class EventType(StrEnum):
    """The names of the event types in the log, on the queues and in CloudEvents."""

    USER_SIGNED_UP = "user_signed_up"
    USER_DELETED = "user_deleted"
    CONNECTION_AUTHORIZED = "connection_authorized"
    CONFIG_CHANGED = "config_changed"
    CONFIG_REMOVED = "config_removed"
    CONNECTION_REMOVED = "connection_removed"


def _is_plausible(value: datetime) -> datetime:
    if value > datetime.now(UTC) + CLOCK_TOLERANCE:
        raise ValueError("must not be more than 5 minutes in the future; check the clock of the publishing machine")
    if value < EARLIEST:
        raise ValueError("must not be before the year 2000")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_is_plausible)]


class WorkflowPatch(TypedDict):
    """Changes to one workflow of a config: whether it is enabled, some of its fields, or both."""

    id: Identifier
    enabled: NotRequired[bool]
    fields: NotRequired[dict[Identifier, Value]]


WorkflowPatch.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined] # with_config


def _now() -> datetime:
    return datetime.now(UTC)


_RULES = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, config=_RULES)
class Event:
    """The base of all events. An event that breaks a rule raises `InvalidEvent`, which names the field: correct it.

    Attributes:
        linked_account_id: The host's own id of the customer. 1 to 200 characters, no control characters.
        id: Unique within `source`; publishing the same event again does nothing. Default: a new time-ordered UUID.
        source: Name of the publishing system. Default: `host`.
        occurred_at: When it happened, as an aware time; it decides the order of events. Default: now.
        traceparent: The host's span in which it happened, as W3C Trace Context has it. Default: the current span, if
            OpenTelemetry has one, when the event is published.
    """

    type: ClassVar[EventType]
    payload_fields: ClassVar[tuple[str, ...]]

    linked_account_id: Identifier
    id: Name = field(default_factory=new_id, kw_only=True)
    source: Name = field(default="host", kw_only=True)
    occurred_at: Moment = field(default_factory=_now, kw_only=True)
    traceparent: Traceparent | None = field(default=None, kw_only=True)

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, arguments: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(named_arguments(cls, arguments))
        except ValidationError as error:
            raise InvalidEvent(describe(error)) from None

    @classmethod
    def from_fields(cls, values: dict[str, Any]) -> Self:
        """Return an event from fields by name; the names may be anything.

        Raises:
            InvalidEvent: A field breaks a rule, is missing or unknown. The text names it.
        """
        unknown = values.keys() - field_names(cls)
        if unknown:
            raise InvalidEvent(f"{field_path(min(unknown))}: {cls.type} has no such field")
        return cls(**values)

    def payload(self) -> dict[str, Any]:
        """Return the event's fields beside its subject, without those that are None."""
        values = {name: getattr(self, name) for name in self.payload_fields}
        return {name: value for name, value in values.items() if value is not None}

    def subject_slug(self) -> str | None:
        """Return the application that the event is about; None if it is about the account itself."""
        slug: str | None = getattr(self, "slug", None)
        return slug


@dataclass(frozen=True, config=_RULES)
class UserSignedUp(Event):
    """A customer signed up, or their details changed.

    Attributes:
        name: The customer's name. `None` keeps the one at Cobalt.
        udf: The account's user-defined fields, text by text; they replace those at Cobalt. `None` keeps them.
        auth_credentials: Secrets with which Cobalt calls the host's own API for this customer; they replace those at
            Cobalt. `None` and an empty map keep them. `Client.set_auth_credential` changes one of them.
    """

    type: ClassVar[EventType] = EventType.USER_SIGNED_UP
    payload_fields: ClassVar[tuple[str, ...]] = ("name", "udf", "auth_credentials")

    name: Name | None = None
    udf: dict[Identifier, Text] | None = None
    auth_credentials: dict[Identifier, Text] | None = field(default=None, repr=False)


@dataclass(frozen=True, config=_RULES)
class UserDeleted(Event):
    """A customer left for good: the account is deleted at Cobalt, and everything personal is deleted here.

    It ends one generation of the account. Only a `UserSignedUp` that occurred later begins another.
    """

    type: ClassVar[EventType] = EventType.USER_DELETED
    payload_fields: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, config=_RULES)
class ConnectionAuthorized(Event):
    """A customer seems to have connected an application; the mirror reads from Cobalt whether that is so.

    Attributes:
        slug: The application.
        auth_type: How it was connected, if the host knows. `None` for any.
        connection_id: Which connection, in an application that holds several. `None` for whatever shows.
    """

    type: ClassVar[EventType] = EventType.CONNECTION_AUTHORIZED
    payload_fields: ClassVar[tuple[str, ...]] = ("auth_type", "connection_id")

    slug: Identifier
    auth_type: Name | None = None
    connection_id: Identifier | None = field(default=None, kw_only=True)


@dataclass(frozen=True, config=_RULES)
class ConfigChanged(Event):
    """A customer changed how an application is set up.

    Attributes:
        slug: The application.
        config_id: The config. `None` for the one with the account's own id.
        fields: The changes, field by field; `None` as a value clears a field. Other fields stay.
        workflows: The changes, workflow by workflow. With neither fields nor workflows, the config is only read.
        connection_id: Which connection it sets up, in an application that holds several. `None` for the only one.
    """

    type: ClassVar[EventType] = EventType.CONFIG_CHANGED
    payload_fields: ClassVar[tuple[str, ...]] = ("config_id", "fields", "workflows", "connection_id")

    slug: Identifier
    config_id: Identifier | None = None
    fields: dict[Identifier, Value] = field(default_factory=dict, repr=False)
    workflows: list[WorkflowPatch] = field(default_factory=list, repr=False)
    connection_id: Identifier | None = field(default=None, kw_only=True)


@dataclass(frozen=True, config=_RULES)
class ConfigRemoved(Event):
    """A customer removed a config. The application stays connected; a later change with content makes the config anew.

    Attributes:
        slug: The application.
        config_id: The config. `None` for the one with the account's own id.
        connection_id: Which connection it sets up, as in `ConfigChanged`.
    """

    type: ClassVar[EventType] = EventType.CONFIG_REMOVED
    payload_fields: ClassVar[tuple[str, ...]] = ("config_id", "connection_id")

    slug: Identifier
    config_id: Identifier | None = None
    connection_id: Identifier | None = field(default=None, kw_only=True)


@dataclass(frozen=True, config=_RULES)
class ConnectionRemoved(Event):
    """A customer disconnected an application. It applies to the connection that existed then, not to a newer one.

    Attributes:
        slug: The application.
        auth_type: Remove only what is connected this way. `None` for any.
        connection_id: Remove only this connection, in an application that holds several. `None` for all of them.
    """

    type: ClassVar[EventType] = EventType.CONNECTION_REMOVED
    payload_fields: ClassVar[tuple[str, ...]] = ("auth_type", "connection_id")

    slug: Identifier
    auth_type: Name | None = None
    connection_id: Identifier | None = field(default=None, kw_only=True)


EVENT_TYPES: Mapping[str, type[Event]] = {
    str(kind.type): kind
    for kind in (UserSignedUp, UserDeleted, ConnectionAuthorized, ConfigChanged, ConfigRemoved, ConnectionRemoved)
}
