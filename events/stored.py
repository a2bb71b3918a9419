"""Read an event from its row, also from one that was inserted by hand."""

from dataclasses import dataclass
from typing import Any

from cobalt_mirror.db.log import LoggedEvent, Order
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events.errors import InvalidEvent
from cobalt_mirror.events.types import CLOCK_TOLERANCE, EARLIEST, EVENT_TYPES, Event


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the event log, with the event in it."""

    logged: LoggedEvent
    event: Event

    @property
    def order(self) -> Order:
        """The key that orders the events of a subject."""
        return self.logged.order


def read_entry(logged: LoggedEvent, vault: Vault) -> Entry:
    """Read the event in a row of the event log.

    Raises:
        InvalidEvent: The row cannot be read, its type is unknown or the payload breaks a rule; the event can never
            succeed.
        cobalt_mirror.db.errors.CannotUnseal: The key that encrypted it is missing from `MIRROR_SECRET_KEYS`. Add it.
    """
    if logged.fault is not None:
        raise InvalidEvent(logged.fault)
    kind = EVENT_TYPES.get(logged.type)
    if kind is None:
        raise InvalidEvent(f"type: {logged.type[:50]!r} is not one of {', '.join(EVENT_TYPES)}")
    if logged.occurred_at > logged.recorded_at + CLOCK_TOLERANCE:
        raise InvalidEvent("occurred_at: is more than 5 minutes after the row was inserted; check the host's clock")
    if logged.occurred_at < EARLIEST:
        raise InvalidEvent("occurred_at: must not be before the year 2000; check the host's clock")
    if not isinstance(logged.payload, dict):
        raise InvalidEvent("payload: must be a JSON object")
    taken = sorted({"id", "source", "occurred_at", "linked_account_id", "slug", "traceparent"} & logged.payload.keys())
    if taken:
        raise InvalidEvent(f"payload.{taken[0]}: must not be in the payload; use the row's column of that name")
    return Entry(logged, kind.from_fields(_arguments(logged, vault)))


def _arguments(logged: LoggedEvent, vault: Vault) -> dict[str, Any]:
    payload = {name: value for name, value in logged.payload.items() if name not in {"sealed", "had_credentials"}}
    if "sealed" in logged.payload:
        payload |= vault.unseal(str(logged.payload["sealed"]))
    arguments = {"linked_account_id": logged.linked_account_id, "id": logged.id, "source": logged.source, **payload}
    return arguments if not logged.slug else {**arguments, "slug": logged.slug}
