"""publish_async(): publish() for hosts with an `AsyncSession` or an `AsyncConnection`."""

import asyncio
from collections.abc import Iterable

from cobalt_mirror.db.asynchronous import AsyncHostSession, run_in
from cobalt_mirror.events.publish import Receipt, publish_many
from cobalt_mirror.events.types import Event


async def publish_async(event: Event, session: AsyncHostSession | None = None) -> Receipt:
    """Publish one event, as `publish` does.

    Args:
        event: The event.
        session: The host's `AsyncSession` or `AsyncConnection`; the event exists exactly if that commits. `None`: a new
            transaction on `DATABASE_URL`, in a thread, committed before this returns.
    """
    [receipt] = await publish_many_async([event], session)
    return receipt


async def publish_many_async(events: Iterable[Event], session: AsyncHostSession | None = None) -> list[Receipt]:
    """Publish many events, all or none of them, as `publish_many` does. See `publish_async`."""
    if session is None:
        return await asyncio.to_thread(publish_many, events)
    return await run_in(session, lambda own: publish_many(events, own))
