"""wait_for() looks beside the host's transaction until an event is carried out, or an application has a state."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool

from cobalt_mirror import Waited, publish, wait_for
from cobalt_mirror.db.errors import OpenTransaction
from cobalt_mirror.db.reads import State
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, Event, Receipt, UserSignedUp
from cobalt_mirror.events.publish import own_engine
from tests.world import World


@pytest.fixture
def host(world: World) -> Iterator[Engine]:
    """The host's engine, made by the host: nothing of ours is in it."""
    engine = create_engine(world.database_url)
    yield engine
    engine.dispose()


def published(host: Engine, event: Event) -> Receipt:
    with Session(host) as session, session.begin():
        return publish(event, session)


@pytest.fixture
def waits(host: Engine) -> Iterator[Callable[..., Any]]:
    """Begins to wait in a thread of the host's, and returns once it has looked for the first time."""
    with ThreadPoolExecutor() as threads:
        yield lambda awaited: threads.submit(wait_for, awaited, Session(host), timeout_seconds=30)


def test_a_wait_ends_when_workers_have_carried_the_event_out(
    world: World, host: Engine, waits: Callable[..., Any]
) -> None:
    receipt = published(host, UserSignedUp("acme", name="Acme"))
    waiting = waits(receipt)
    world.work_until_quiet()

    assert waiting.result() == Waited(status=EventStatus.DONE)
    assert world.row("linked_accounts")["name"] == "Acme"
    assert host.pool.checkedout() == 0  # type: ignore[attr-defined] # a pool with a count


def test_a_wait_for_a_state_ends_when_the_page_would_show_it(
    world: World, host: Engine, waits: Callable[..., Any]
) -> None:
    published(host, UserSignedUp("acme"))
    world.work_until_quiet()
    world.catalogue.refresh()
    world.sandbox.connect("acme", "slack")
    waiting = waits(("acme", "slack", State.CONNECTED))
    published(host, ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()

    assert waiting.result() == Waited(status=EventStatus.DONE)
    with Session(host) as session:
        for state, is_pending in (("connected", False), ("connect", True), ("reconnect", True)):
            assert wait_for(("acme", "slack", state), session, timeout_seconds=0).is_pending is is_pending
        assert wait_for(("acme", "jira", "connect"), session, timeout_seconds=0).status is EventStatus.DONE
        unknown = wait_for(("acme", "nothing", "connect"), session, timeout_seconds=0)
        assert unknown == Waited(status=EventStatus.PENDING, reason="the catalogue has no application 'nothing'")
        with pytest.raises(ValueError, match="state: must be one of connect, connected, reconnect, not 'broken'"):
            wait_for(("acme", "slack", "broken"), session)


def test_a_dead_event_is_said_with_who_has_to_act_and_a_superseded_one_with_why(world: World, host: Engine) -> None:
    published(host, UserSignedUp("acme"))
    world.work_until_quiet()
    world.catalogue.refresh()
    world.sandbox.connect("acme", "slack")
    dead = published(host, ConfigChanged("acme", "slack", fields={"no such field": 1}))
    older, newer = (published(host, ConfigChanged("acme", "slack", fields={"channel": each})) for each in "ab")
    world.work_until_quiet()

    with Session(host) as session:
        waited = {name: wait_for(each, session) for name, each in (("dead", dead), ("older", older), ("newer", newer))}
    assert (waited["dead"].status, waited["dead"].move) == (EventStatus.DEAD, Move.CUSTOMER)
    assert "there is no such field" in str(waited["dead"].reason)
    assert {waited[name].status for name in ("older", "newer")} <= {EventStatus.DONE, EventStatus.SUPERSEDED}
    assert {name: each.status for name, each in waited.items()} == {
        name: world.row("events", id=receipt.id)["status"]
        for name, receipt in (("dead", dead), ("older", older), ("newer", newer))
    }


def test_what_is_not_carried_out_in_time_is_still_pending(world: World, host: Engine) -> None:
    receipt = published(host, UserSignedUp("acme"))

    with Session(host) as session:
        assert wait_for(receipt, session, timeout_seconds=0.05) == Waited(status=EventStatus.PENDING)
        assert not session.in_transaction()
    lost = wait_for(Receipt(source="host", id="none", is_new=True), Session(host), timeout_seconds=0)
    assert lost.is_pending
    assert "its transaction is not committed" in str(lost.reason)
    assert world.rows("linked_accounts") == []


def test_inside_the_host_s_transaction_a_wait_is_refused(host: Engine) -> None:
    scoped = scoped_session(sessionmaker(host))
    with Session(host) as session, host.connect() as connection:
        for each in (session, connection, scoped):
            receipt = publish(UserSignedUp("acme"), each)
            with pytest.raises(OpenTransaction, match=r"session: is in a transaction.*commit it, then wait"):
                wait_for(receipt, each)
            each.commit()
            assert wait_for(receipt, each, timeout_seconds=0).status is EventStatus.PENDING
    scoped.remove()
    with pytest.raises(TypeError, match="not Engine"):
        wait_for(receipt, host)  # type: ignore[arg-type]


def test_a_session_whose_connection_is_in_a_transaction_is_refused(host: Engine) -> None:
    with host.connect() as connection, connection.begin():
        session = Session(connection, join_transaction_mode="create_savepoint")
        receipt = publish(UserSignedUp("acme"), session)
        session.commit()

        with pytest.raises(OpenTransaction):
            wait_for(receipt, session)


def test_a_request_that_holds_the_last_connection_of_the_pool_waits_on_it(world: World) -> None:
    """Else all requests of a busy host would wait for one another."""
    small = create_engine(world.database_url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with small.connect() as connection:
        receipt = publish(UserSignedUp("acme"), connection)
        connection.commit()
        assert wait_for(receipt, connection, timeout_seconds=0).status is EventStatus.PENDING
        world.work_until_quiet()
        for each in (connection, Session(connection)):
            assert wait_for(receipt, each).status is EventStatus.DONE
            assert not connection.in_transaction()
    small.dispose()


def test_without_a_session_it_looks_in_the_database_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.database_url)
    own_engine.cache_clear()
    receipt = publish(UserSignedUp("acme"))
    before = wait_for(receipt, timeout_seconds=0)
    world.work_until_quiet()

    assert (before.status, wait_for(receipt).status) == (EventStatus.PENDING, EventStatus.DONE)
    own_engine().dispose()
    own_engine.cache_clear()
