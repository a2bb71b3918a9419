"""The steps that a plan is made of: plain values, so that two plans can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from cobalt_mirror.events import Event

#: A part of an event's id that says: Cobalt must refuse this.
REFUSED = "refused"
#: An application that does not exist.
NO_APPLICATION = "no_such_application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An event as the plan has it: its moment is counted from the beginning of the run, in seconds."""

    kind: type[Event]
    id: str
    occurred: float
    told: Mapping[str, Any]

    def at(self, start: datetime) -> Event:
        """The event, in a run that began then."""
        return self.kind(**self.told, id=self.id, occurred_at=start + timedelta(seconds=self.occurred))


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Some events are published in one transaction."""

    at: float
    events: tuple[Planned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Somebody changes something at Cobalt: a customer who consents, or a person in the dashboard.

    Attributes:
        insists: they try again for a while if there is no such account yet, as a customer does.
    """

    at: float
    action: str
    told: Mapping[str, Any]
    insists: bool = False
    tries: int = 0


class What(StrEnum):
    """What fails, or is mended."""

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
    WEATHER = "weather"


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """Something fails.

    Attributes:
        target: which process, by its name in the Procfile.
        pick: chooses one of the target's child processes, 0 to 1; None: the target with all of them.
        seconds: how long, where that is up to whoever does it.
        mode: how PostgreSQL is stopped.
        faults: what becomes of calls from now on.
    """

    at: float
    what: What
    number: int = 0
    target: str = ""
    pick: float | None = None
    seconds: float = 0.0
    mode: str = ""
    faults: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """`cobalt-mirror reconcile` is run; killed after so many seconds, unless None."""

    at: float
    killed_after: float | None = None


Step: TypeAlias = Publish | ByHand | Harm | Reconcile
