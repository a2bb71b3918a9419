"""Everything stored about one customer, read in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from cobalt_mirror.db import (
    Change,
    EventState,
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    WorkflowRuns,
    find_account,
    list_configs,
    list_connections,
    list_events,
    list_history,
    list_workflow_runs,
)
from cobalt_mirror.db.deletions import Deletion, find_deletion
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.pauses import Pause, list_pauses
from cobalt_mirror.db.state import Halt, find_halt
from cobalt_mirror.db.statuses import EventStatus, PauseScope
from cobalt_mirror.workers.errors import NotReady


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer at one moment.

    Attributes:
        halt: Why all work is halted; None if it is not.
        pauses: What is paused of all work, or of this account.
        account: The mirror's account; None if the mirror has none.
        deletion: The receipt of the account's last deletion; None if it was never deleted.
        connections: The mirror's connections.
        configs: The mirror's configs.
        workflow_runs: How workflows ran.
        pending: Pending events, latest first.
        events: Events of any status, latest first.
        history: Changes of the mirror, latest first.
    """

    halt: Halt | None
    pauses: Sequence[Pause]
    account: MirroredAccount | None
    deletion: Deletion | None
    connections: Sequence[MirroredConnection]
    configs: Sequence[MirroredConfig]
    workflow_runs: Sequence[WorkflowRuns]
    pending: Sequence[EventState]
    events: Sequence[EventState]
    history: Sequence[Change]


def _concerns(pause: Pause, account: str) -> bool:
    is_of_another = pause.scope is PauseScope.ACCOUNT and pause.name != account
    return not is_of_another and pause.scope is not PauseScope.RECONCILIATION


def read_customer(
    engine: Engine, account: str, *, limit: int, database: str, clock: Clock = database_clock
) -> Customer:
    """Read a customer with at most `limit` events and changes.

    Args:
        engine: Of the database.
        account: The customer's linked account id.
        limit: Largest number of events, and of changes.
        database: The database's address for the message, without password.
        clock: Where the time comes from.

    Raises:
        NotReady: Neither the mirror nor the event log has the account. Check the id, and which database it is.
    """
    with reading(engine).begin() as connection:
        customer = Customer(
            halt=find_halt(connection),
            pauses=[each for each in list_pauses(connection, clock(connection)) if _concerns(each, account)],
            account=find_account(connection, account),
            deletion=find_deletion(connection, account),
            connections=list_connections(connection, account),
            configs=list_configs(connection, account),
            workflow_runs=list_workflow_runs(connection, account),
            pending=list_events(connection, account, status=EventStatus.PENDING, limit=limit),
            events=list_events(connection, account, limit=limit),
            history=list_history(connection, account, limit=limit),
        )
    if customer.account is None and not customer.events and customer.deletion is None:
        raise unknown_account(account, database)
    return customer


def unknown_account(account: str, database: str) -> NotReady:
    """Return the error for an account of which nothing is stored; arguments as for `read_customer`."""
    return NotReady(
        f"no account {account!r} in the mirror or the event log of the database at {database}; "
        "check the id and DATABASE_URL"
    )
