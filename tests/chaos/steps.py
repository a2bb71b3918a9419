"""The steps of a plan: plain values, so that two plans can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeAlias

from cobalt_mirror.events import Event
from tests.integration.isolation.rows import Bad

#: Part of an event's id: Cobalt must refuse this event.
REFUSED = "refused"
#: An application that does not exist.
NO_APPLICATION = "no_such_application"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a customer connects. Where the application holds several connections, its id is known only afterwards."""

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
        needs: What the customer must have connected before.
        skew: How far the clock of the publishing machine is ahead, in seconds; `occurred` contains it.
    """

    kind: type[Event]
    id: str
    occurred: float
    fields: Mapping[str, Any]
    needs: Opened | None = None
    skew: float = 0.0

    def at(self, start: datetime, ids: Ids) -> Event | None:
        """Return the event, for a run that began at `start`; None while what it needs is not connected."""
        fields = with_ids(self.fields, ids)
        if fields is None or (self.needs is not None and self.needs not in ids):
            return None
        return self.kind(**fields, id=self.id, occurred_at=start + timedelta(seconds=self.occurred))


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Publish events in one transaction; it is put off while what they need is not connected.

    Attributes:
        then: A change by hand that follows; its time counts from when the events are accepted.
        late: By how many seconds it was put off.
        tries: How often it was tried in vain.
    """

    at: float
    events: tuple[Planned, ...]
    then: "ByHand | None" = None
    late: float = 0.0
    tries: int = 0

    @property
    def customer(self) -> str | None:
        """Who does it."""
        account: str = self.events[0].fields["linked_account_id"]
        return account

    def put_off(self, seconds: float) -> Self:
        """Return the same at a later time: the customer acts that much later."""
        events = tuple(replace(event, occurred=event.occurred + seconds) for event in self.events)
        return replace(self, at=self.at + seconds, events=events, late=self.late + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """A change at Cobalt by hand: a customer consents, or a person uses the dashboard.

    Attributes:
        opens: What it connects. Connected again, it is the same with another name.
        insists: Whether a customer does it, who retries for a while if there is no such account yet.
        late: By how many seconds it was put off.
        tries: How often it was tried in vain.
    """

    at: float
    action: str
    arguments: Mapping[str, Any]
    opens: Opened | None = None
    insists: bool = False
    late: float = 0.0
    tries: int = 0

    @property
    def customer(self) -> str | None:
        """Who does it; None: somebody in the dashboard, or Cobalt."""
        account: str = self.arguments["linked_account_id"]
        return account if self.insists else None

    def put_off(self, seconds: float) -> Self:
        """Return the same at a later time."""
        return replace(self, at=self.at + seconds, late=self.late + seconds)


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
    ACCOUNT_FAILS = "account fails"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonRow:
    """Insert a row that no worker can read.

    Attributes:
        name: Its fingerprint, by which it is found again.
        row: The row.
        is_around: Whether it comes around what the schema refuses, as if it had been there before.
    """

    at: float
    name: str
    row: Bad
    is_around: bool


Step: TypeAlias = Publish | ByHand | FaultStep | Reconcile | PoisonRow
