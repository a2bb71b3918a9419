"""The steps of a plan: plain values, so that two plans can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeAlias

from cobalt_mirror.events import Event

#: Part of an event's id: Cobalt must refuse this event.
REFUSED = "refused"
#: An application that does not exist.
NO_APPLICATION = "no_such_application"


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection to an application that holds several. Its id is known only when it has been made."""

    name: str


Ids: TypeAlias = Mapping[Opened, str]


def with_ids(fields: Mapping[str, Any], ids: Ids) -> dict[str, Any] | None:
    """Return fields with the ids of connections in place of their names; None while one of them is not known."""
    if any(isinstance(value, Opened) and value not in ids for value in fields.values()):
        return None
    return {name: ids[value] if isinstance(value, Opened) else value for name, value in fields.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An event in the plan; its time is in seconds since the beginning of the run.

    Attributes:
        skew: How far the clock of the publishing machine is ahead, in seconds; `occurred` contains it.
    """

    kind: type[Event]
    id: str
    occurred: float
    fields: Mapping[str, Any]
    skew: float = 0.0

    def at(self, start: datetime, ids: Ids) -> Event | None:
        """Return the event, for a run that began at `start`; None while the id of its connection is not known."""
        fields = with_ids(self.fields, ids)
        if fields is None:
            return None
        return self.kind(**fields, id=self.id, occurred_at=start + timedelta(seconds=self.occurred))


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Publish events in one transaction; it is put off while the id of a connection in them is not known."""

    at: float
    events: tuple[Planned, ...]
    tries: int = 0

    def put_off(self, at: float) -> Self:
        """Return the same at a later time: the customer acts that much later."""
        later = at - self.at
        events = tuple(replace(event, occurred=event.occurred + later) for event in self.events)
        return replace(self, at=at, events=events, tries=self.tries + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """A change at Cobalt by hand: a customer consents, or a person uses the dashboard.

    Attributes:
        opens: The connection that it makes, where the application holds several.
        insists: Whether to retry for a while if there is no such account yet, as a customer does.
    """

    at: float
    action: str
    arguments: Mapping[str, Any]
    opens: Opened | None = None
    insists: bool = False
    tries: int = 0

    def put_off(self, at: float) -> Self:
        """Return the same at a later time."""
        return replace(self, at=at, tries=self.tries + 1)


class FaultKind(StrEnum):
    """A kind of fault, or of its end."""

    KILL = "kill"
    STOP = "stop"
    GO_ON = "go on"
    TERM = "term"
    REDIS_KILL = "redis kill"
    REDIS_START = "redis start"
    REDIS_FLUSH = "redis flush"
    REDIS_PAUSE = "redis pause"
    REDIS_STOP = "redis stop"
    REDIS_GO_ON = "redis go on"
    POSTGRES_STOP = "postgres stop"
    POSTGRES_START = "postgres start"
    OUTAGE = "outage"
    OUTAGE_ENDS = "outage ends"
    BACKGROUND_FAULTS = "background faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStep:
    """A fault, or its end.

    Attributes:
        target: The process, by its name in the Procfile.
        pick: Chooses one of the target's child processes, 0 to 1; None for the target with all of them.
        seconds: Duration, for faults that end by themselves.
        mode: How to stop PostgreSQL.
        faults: Cobalt's fault rules from now on.
    """

    at: float
    what: FaultKind
    number: int = 0
    target: str = ""
    pick: float | None = None
    seconds: float = 0.0
    mode: str = ""
    faults: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Run `cobalt-mirror reconcile`, and kill it after so many seconds, unless None."""

    at: float
    killed_after: float | None = None


Step: TypeAlias = Publish | ByHand | FaultStep | Reconcile
