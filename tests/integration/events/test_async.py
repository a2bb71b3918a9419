"""Hosts with asynchronous drivers: publishing, every read and waiting, in their own sessions and connections."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session

import cobalt_mirror
from cobalt_mirror import ConnectionAuthorized, UserSignedUp, publish_async, publish_many_async, wait_for_async
from cobalt_mirror.db.errors import OpenTransaction
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events.publish import own_engine
from tests.world import World

#: The drivers, and the database of each.
DRIVERS = {"asyncpg": "postgresql", "psycopg": "postgresql", "aiosqlite": "sqlite"}
#: The reads that need nothing but the account.
READS = ("find_account", "integrations", "list_configs", "list_connections", "list_events", "list_history")


@pytest.fixture(params=DRIVERS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on the driver's database, in which a customer has connected Slack."""
    if DRIVERS[request.param] == "sqlite":
        file = tmp_path / "mirror.db"
        file.write_bytes(request.getfixturevalue("migrated_sqlite").read_bytes())
        world = World(f"sqlite:///{file}")
    else:
        world = World(request.getfixturevalue("postgres_migrated_url"))
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work_until_quiet()
    world.catalogue.refresh()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()
    yield world
    world.close()


@pytest.fixture
def run(request: pytest.FixtureRequest, world: World) -> Callable[..., Any]:
    """Runs a host's coroutine with an engine on the driver."""
    url = make_url(world.database_url)
    driver = request.node.callspec.params["world"]

    async def with_engine(act: Callable[[AsyncEngine], Any]) -> Any:
        engine = create_async_engine(url.set(drivername=f"{url.get_backend_name()}+{driver}"))
        try:
            return await act(engine)
        finally:
            await engine.dispose()

    return lambda act: asyncio.run(with_engine(act))


def test_a_host_publishes_reads_and_waits_in_its_own_session(world: World, run: Callable[..., Any]) -> None:
    async def act(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            await publish_async(UserSignedUp("gone"), session)
            await session.rollback()
            receipt = await publish_async(UserSignedUp("acme", name="Acme 2", id="2"), session)
            with pytest.raises(OpenTransaction, match="commit it, then wait"):
                await wait_for_async(receipt, session)
            await session.commit()
            assert (await wait_for_async(receipt, session, timeout_seconds=0)).is_pending
            waiting = asyncio.create_task(wait_for_async(receipt, session, timeout_seconds=30))
            await asyncio.to_thread(world.work_until_quiet)
            assert (await waiting).status is EventStatus.DONE
            assert (await wait_for_async(("acme", "slack", "connected"), session)).status is EventStatus.DONE
            account = await cobalt_mirror.find_account_async(session, "acme")
            assert account is not None
            assert account.name == "Acme 2"

    run(act)
    assert world.row("events", id="2")["status"] == "done"
    assert {row["linked_account_id"] for row in world.rows("events")} == {"acme"}


def test_every_read_is_the_same_in_an_asynchronous_session_and_connection(
    world: World, run: Callable[..., Any]
) -> None:
    async def act(engine: AsyncEngine) -> list[list[Any]]:
        async with AsyncSession(engine) as session, engine.connect() as connection:
            return [await read_all(each) for each in (session, connection)]

    async def read_all(session: AsyncSession | AsyncConnection) -> list[Any]:
        by_account = [await getattr(cobalt_mirror, f"{name}_async")(session, "acme") for name in READS]
        return [
            *by_account,
            await cobalt_mirror.list_applications_async(session),
            await cobalt_mirror.list_history_async(session, "acme", limit=1),
            await cobalt_mirror.changes_async(session, after=0, limit=2),
        ]

    in_session, in_connection = run(act)
    with Session(world.engine) as session:
        expected = [getattr(cobalt_mirror, name)(session, "acme") for name in READS]
        expected.append(cobalt_mirror.list_applications(session))
        expected.append(cobalt_mirror.list_history(session, "acme", limit=1))
        expected.append(cobalt_mirror.changes(session, after=0, limit=2))
    assert in_session == in_connection == expected
    assert all(expected[:2])
    assert cobalt_mirror.integrations_async.__name__ == "integrations_async"


def test_a_batch_goes_with_the_transaction_of_a_connection_or_a_scoped_session(
    world: World, run: Callable[..., Any]
) -> None:
    events = [UserSignedUp("bolt", id="b"), UserSignedUp("cato", id="c")]

    async def act(engine: AsyncEngine) -> list[bool]:
        async with engine.connect() as connection:
            await publish_many_async(events, connection)
            await connection.rollback()
        async with engine.begin() as connection:
            first = await publish_many_async(events, connection)
        scoped = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
        second = await publish_many_async(events, scoped)
        await scoped.commit()
        await scoped.remove()
        return [receipt.is_new for receipt in [*first, *second]]

    assert run(act) == [True, True, False, False]
    assert {row["id"] for row in world.rows("events")} >= {"b", "c"}


def test_what_is_no_asynchronous_transaction_is_refused_and_none_is_one_of_its_own(
    world: World, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.database_url)
    own_engine.cache_clear()

    async def act(engine: AsyncEngine) -> None:
        for each in (engine, Session(world.engine)):
            with pytest.raises(TypeError, match="must be an AsyncSession or an AsyncConnection"):
                await publish_async(UserSignedUp("bolt"), each)  # type: ignore[arg-type]
        receipt = await publish_async(UserSignedUp("bolt", id="b"))
        assert (await wait_for_async(receipt, timeout_seconds=0)).is_pending

    run(act)
    own_engine().dispose()
    own_engine.cache_clear()
    assert world.row("events", linked_account_id="bolt")["status"] == "pending"
