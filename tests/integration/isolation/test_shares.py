"""Accounts that fail for ever take no more than their share, and have it."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import httpx
import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import text

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.queues import declare_queues
from cobalt_mirror.workers.relay import Relay
from tests.integration.journey.wires import Died, Wire, die, workers_over
from tests.world import World

THREADS = 8
FAILING, ORDINARY = [f"failing {n}" for n in range(60)], [f"ordinary {n}" for n in range(30)]
#: What fails is due again a moment later, so that nothing but its share holds it back.
AT_ONCE = {"retry_base_seconds": 0.1, "retry_cap_seconds": 0.1}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(options={**AT_ONCE, "worker_processes": 2, "worker_threads": 4})
    world.clock.stop_at(datetime.now(UTC) + timedelta(minutes=1))  # what is published is due
    return world


@pytest.fixture
def relay(world: World) -> Relay:
    broker = StubBroker()
    declare_queues(broker)
    return Relay(engine=world.engine, broker=broker, settings=world.settings, clock=world.clock)


def sign_up(world: World, accounts: list[str]) -> None:
    world.publish(*(UserSignedUp(account, name="A", udf={}) for account in accounts))


class Trouble(StrEnum):
    """Why an account fails for ever."""

    COBALT = "Cobalt answers it with 500"
    LOST_LEASE = "its worker dies"
    OURS = "an error of ours"


def have_fail(world: World, trouble: Trouble = Trouble.COBALT) -> None:
    """Have accounts fail for ever, each of them once by now."""
    match trouble:
        case Trouble.COBALT:
            world.sandbox.add_faults(*(Fault(status=500, linked_account_id=account) for account in FAILING))
        case Trouble.LOST_LEASE:
            world.attempts = workers_over(world, Wire(world, before=die_at_failing_accounts))
        case Trouble.OURS:
            spoil_accounts(world)
    sign_up(world, FAILING)
    for account in FAILING:
        attempt(world, account)
    if trouble is Trouble.LOST_LEASE:
        world.clock.pass_time(world.settings.lease_ttl.total_seconds() + 0.2)
        for account in FAILING:
            attempt(world, account)  # another worker, which dies as well; that it was lost before is counted
        world.clock.pass_time(world.settings.lease_ttl.total_seconds())
    assert {row["attempts"] for row in world.rows("events")} == {1}
    world.clock.pass_time(0.2)


def die_at_failing_accounts(request: httpx.Request) -> None:
    if "failing" in f"{request.url} {request.headers} {request.content!r}":
        die()


def spoil_accounts(world: World) -> None:
    """Give accounts rows in the mirror that no release of ours can have written: no attempt can load them."""
    on_sqlite = world.engine.dialect.name == "sqlite"
    table = "linked_accounts" if on_sqlite else f"{world.settings.mirror_schema}.linked_accounts"
    rows = [{"account": account, "at": "noon" if on_sqlite else "infinity"} for account in FAILING]
    insert = f"INSERT INTO {table} (linked_account_id, status, verified_at) VALUES (:account, 'active', :at)"
    with world.engine.begin() as connection:
        connection.execute(text(insert), rows)


def attempt(world: World, account: str) -> None:
    with suppress(Died):
        world.attempts.attempt(account)


def attempts_until_served(world: World, relay: Relay) -> list[str]:
    """Let as many threads as there are take messages in their order until the ordinary accounts are served."""
    messages: deque[str] = deque()
    attempts: list[str] = []
    while world.rows("events", status="done") == [] or len(world.rows("events", status="done")) < len(ORDINARY):
        known = set(messages)
        relay.send_due()
        messages += [account for account in with_message(world) if account not in known]
        for account in [messages.popleft() for _ in range(min(THREADS, len(messages)))]:
            attempt(world, account)
            attempts.append(account)
        world.clock.pass_time(0.2)
    return attempts


def with_message(world: World) -> list[str]:
    """Accounts for which a message is under way; a worker that died leaves a row that says of none."""
    rows = [row for row in world.rows("work") if row["sent_until"] is not None]
    return [row["linked_account_id"] for row in rows if row["sent_until"] > world.clock()]


@pytest.mark.parametrize("trouble", Trouble)
def test_ordinary_accounts_are_served_beside_twice_as_many_that_fail_for_ever(
    world: World, relay: Relay, trouble: Trouble
) -> None:
    have_fail(world, trouble)
    sign_up(world, ORDINARY)
    attempts = attempts_until_served(world, relay)

    failing = [account for account in attempts if account in set(FAILING)]
    assert 0 < len(failing) <= len(attempts) / 4 + 2
    assert sorted(account for account in attempts if account not in set(FAILING)) == sorted(ORDINARY)


def test_what_fails_has_its_share_although_others_never_cease(world: World, relay: Relay) -> None:
    have_fail(world)
    sign_up(world, ORDINARY)

    assert relay.send_due() == 32
    assert [row["is_retry"] for row in world.rows("work", is_retry=True)] == [True, True]
    assert relay.send_due() == 0
    for row in world.rows("work", is_retry=True):
        world.attempts.attempt(row["linked_account_id"])
    assert relay.send_due() == 2


def test_alone_what_fails_has_no_more(world: World, relay: Relay) -> None:
    have_fail(world)

    assert relay.send_due() == 2
