"""wait_for(): wait until an event is carried out, or until an application has a state.

The looks are short transactions of our own, beside the host's. In the host's transaction nothing that workers do would
show, and what it has not committed would never be carried out.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cobalt_mirror.db.asynchronous import AsyncHostSession, run_in
from cobalt_mirror.db.beside import beside
from cobalt_mirror.db.engine import HostSession, reading
from cobalt_mirror.db.reads import State, find_event, find_state
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.events.polling import poll_delays
from cobalt_mirror.events.publish import Receipt, own_engine

#: What to wait for: an event, by its receipt; or an account, a slug, and the state that a page shows.
Awaited: TypeAlias = Receipt | tuple[str, str, State | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How a wait ended.

    Attributes:
        status: How far the event is; for a state, `done` once the application has it. `pending`: not yet; show the
            page then, too, and look again later.
        move: Who has to act, if the event is dead or its attempts fail.
        reason: Why, or what is noteworthy. None: there is nothing to say.
    """

    status: EventStatus
    move: Move | None = None
    reason: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether the time was over before the end."""
        return self.status is EventStatus.PENDING


def wait_for(awaited: Awaited, session: HostSession | None = None, *, timeout_seconds: float = 2.0) -> Waited:
    """Wait until an event is carried out or given up, or until an application has a state for a customer.

    Args:
        awaited: The receipt of `publish`; or a tuple of account, slug and `connect`, `connected` or `reconnect`.
        session: A session or connection of the host's, which says in which database to look. It must not be in a
            transaction. A connection is used for each look; a session is not. `None`: look in `DATABASE_URL`.
        timeout_seconds: The longest wait; 0 looks once.

    Returns:
        How it ended; `is_pending` says that it did not end in this time.

    Raises:
        cobalt_mirror.db.errors.OpenTransaction: The session or its connection is in a transaction. Commit it, then
            wait.
        ValueError: There is no such state.
    """
    read = _reader(awaited)
    waited = _look(read, session)
    for delay in poll_delays(timeout_seconds):
        if not waited.is_pending:
            break
        time.sleep(delay)
        waited = _look(read, session)
    return waited


async def wait_for_async(
    awaited: Awaited, session: AsyncHostSession | None = None, *, timeout_seconds: float = 2.0
) -> Waited:
    """Wait as `wait_for` does, with an `AsyncSession`, an `AsyncConnection` or none, and let the event loop go on."""
    read = _reader(awaited)
    waited = await _look_async(read, session)
    for delay in poll_delays(timeout_seconds):
        if not waited.is_pending:
            break
        await asyncio.sleep(delay)
        waited = await _look_async(read, session)
    return waited


_Read: TypeAlias = Callable[[HostSession], Waited]


def _look(read: _Read, session: HostSession | None) -> Waited:
    with reading(own_engine()).connect() if session is None else beside(session) as connection:
        return read(connection)


async def _look_async(read: _Read, session: AsyncHostSession | None) -> Waited:
    if session is None:
        return await asyncio.to_thread(_look, read, None)
    return await run_in(session, lambda own: _look(read, own))


def _reader(awaited: Awaited) -> _Read:
    """Return the function that reads how far it is."""
    if isinstance(awaited, Receipt):
        return lambda session: _event(session, awaited)
    account, slug, state = awaited
    if state not in set(State):
        raise ValueError(f"state: must be one of {', '.join(State)}, not {state!r}")
    return lambda session: _state(find_state(session, account, slug), State(state), slug)


def _event(session: HostSession, receipt: Receipt) -> Waited:
    event = find_event(session, receipt.source, receipt.id)
    if event is None:
        reason = "the event log does not have the event: its transaction is not committed, or the event was pruned"
        return Waited(status=EventStatus.PENDING, reason=reason)
    return Waited(status=event.status, move=event.move, reason=event.last_error or event.detail)


def _state(state: State | None, wanted: State, slug: str) -> Waited:
    if state is wanted:
        return Waited(status=EventStatus.DONE)
    reason = f"the catalogue has no application {slug!r}" if state is None else f"the state is {state}"
    return Waited(status=EventStatus.PENDING, reason=reason)
