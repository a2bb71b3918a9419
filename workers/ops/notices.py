"""The receivers of notices: how each fares, and what an operator does about it."""

from datetime import datetime

from sqlalchemy import Engine

from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.receivers import ReceiverState, enable_receiver, forget_receiver, list_receivers
from cobalt_mirror.workers.errors import UnknownReceiver
from cobalt_mirror.workers.terminal.words import ago


def describe_receiver(receiver: ReceiverState, at: datetime) -> str:
    """Return a line about a receiver.

    Args:
        receiver: How it fares.
        at: The time.
    """
    taken = "none yet" if receiver.delivered_at is None else f"the last one {ago(receiver.delivered_at, at)} ago"
    parts = [f"taken: {taken}"]
    if receiver.behind:
        parts.append(f"{receiver.behind} changes behind")
    if receiver.pending:
        tried = f" ({receiver.begun} tried before)" if receiver.begun else ""
        parts.append(f"{receiver.pending} waiting{tried}")
    if receiver.failed:
        parts.append(f"{receiver.failed} given up")
    if receiver.disabled_at is not None:
        parts.append(f"DISABLED for {ago(receiver.disabled_at, at)}: {receiver.disabled_because}")
    elif receiver.detail:
        parts.append(receiver.detail)
    return f"{receiver.kind} {receiver.name}: {', '.join(parts)}"


def read_receivers(engine: Engine, *, clock: Clock = database_clock) -> tuple[datetime, list[ReceiverState]]:
    """Return the time, and how all receivers fare then."""
    with reading(engine).begin() as connection:
        return clock(connection), list_receivers(connection)


def enable(engine: Engine, name: str, *, clock: Clock = database_clock) -> int:
    """Enable a receiver again, and return how many notices wait for it.

    Raises:
        UnknownReceiver: There is none of that name.
    """
    with engine.begin() as connection:
        waiting = enable_receiver(connection, name, at=clock(connection))
    if waiting is None:
        raise _unknown(engine, name)
    return waiting


def forget(engine: Engine, name: str) -> None:
    """Delete a receiver with its notices.

    Raises:
        UnknownReceiver: There is none of that name.
    """
    with engine.begin() as connection:
        is_known = forget_receiver(connection, name)
    if not is_known:
        raise _unknown(engine, name)


def _unknown(engine: Engine, name: str) -> UnknownReceiver:
    names = ", ".join(receiver.name for receiver in read_receivers(engine)[1]) or "none yet"
    return UnknownReceiver(f"no endpoint or handler has the name {name!r}; workers know {names}")
