"""What decides how a customer stands, as it is stored, and the states that `verdict.decide` chooses from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cobalt_mirror.db import MirroredAccount, MirroredConnection
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.pauses import Pause
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import Move, RowKind
from cobalt_mirror.db.story import DeadEvents, StoredEvent, WaitingCheck


class CustomerState(StrEnum):
    """How a customer stands. Of several that hold, the first one here is said."""

    HALTED = "halted"
    PAUSED = "paused"
    DEAD = "dead"
    STUCK = "stuck"
    OVERDUE = "overdue"
    RETRYING = "retrying"
    DELETED_AND_BACK = "deleted and back"
    MISSING = "missing"
    REAUTH_REQUIRED = "reauth_required"
    IN_HAND = "in hand"
    WAITING = "waiting"
    TO_BE_READ = "to be read again"
    DELETED = "deleted"
    AT_REST = "at rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides how a customer stands. Everything of it is stored.

    Attributes:
        at: The moment, by the database's clock.
        account_id: The customer.
        halt: Why all work is halted; None if it is not.
        pause: A pause that stops the customer's work; None if there is none.
        account: The mirror's account; None if the mirror has none.
        deletion: The receipt of the last deletion; None if there is none.
        connections: The mirror's connections.
        status_times: When the status of the account and of each connection changed last.
        pending: Pending events, those first that are due first.
        stopper: Why nothing is carried out that is due, for any customer, such as that no worker runs; None: it is.
        failing: The pending event that has failed for the longest time, by who has to act.
        dead: The dead events, by who has to act.
        checks: What is to be read again, that first which is due first.
        is_braked: Whether the last reconciliation over everything was stopped by its brake.
        lease_ends: When the lease of the worker that has the account ends; None: no worker has it.
        longest_wait: How long a due event may wait.
    """

    at: datetime
    account_id: str
    halt: Halt | None
    pause: Pause | None
    account: MirroredAccount | None
    deletion: Deletion | None
    connections: Sequence[MirroredConnection]
    status_times: Mapping[tuple[RowKind, str], datetime]
    pending: Sequence[StoredEvent]
    stopper: str | None
    failing: Mapping[Move | None, StoredEvent]
    dead: Mapping[Move, DeadEvents]
    checks: Sequence[WaitingCheck]
    is_braked: bool
    lease_ends: datetime | None
    longest_wait: timedelta
