"""Who works on an account: one worker at a time, and one that lost its lease writes nothing."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event as engine_event

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.leases import give_back, take_lease
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.handlers.attempt import Progress
from tests.integration.journey.replay import check_history
from tests.integration.journey.wires import Died, Once, Wire, die, workers_over
from tests.world import World


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings of ours that a test wants otherwise."""
    return {}


@pytest.fixture
def acme(make_world: Callable[..., World], options: dict[str, Any]) -> World:
    """A world with one customer who is connected to slack and has a config there."""
    world = make_world(options=options)
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()
    world.calls()
    return world


def change(value: str) -> ConfigChanged:
    return ConfigChanged("acme", "slack", fields={"mention": value})


def outlive_the_lease(world: World) -> None:
    world.clock.pass_time(world.settings.lease_ttl.total_seconds() + 1)


def stored(world: World) -> dict[str, Any]:
    return {name: world.rows(name) for name in ("linked_accounts", "connections", "configs", "events", "history")}


# --- one at a time ----------------------------------------------------------------------------------------------------


def test_an_account_that_somebody_works_on_is_left_alone(acme: World) -> None:
    acme.publish(change("@a"), UserSignedUp("bolt", name="Bolt", udf={}))
    seen: list[Any] = []

    def meanwhile() -> None:
        seen.extend([acme.attempts.attempt("acme"), acme.due_accounts(), acme.attempts.attempt("bolt")])

    workers_over(acme, Wire(acme, before=Once("PUT", meanwhile))).attempt("acme")

    assert seen == [Progress.NOTHING, ["bolt"], Progress.ALL]
    assert sorted(acme.calls()) == ["find_or_create_config", "replace_config", "upsert_account"]
    assert acme.rows("work") == []
    assert acme.mirror() == acme.truth()


def test_many_workers_at_once_do_the_work_of_one(acme: World) -> None:
    events = [
        change("@a"),
        ConfigChanged("acme", "hubspot", fields={"pipeline": "default"}),
        UserSignedUp("acme", name="New", udf={}),
    ]
    acme.publish(*events)
    everybody, alone = threading.Barrier(6), threading.Lock()
    was_alone: list[bool] = []
    workers = workers_over(
        acme,
        Wire(
            acme,
            before=lambda _request: was_alone.append(alone.acquire(blocking=False)),
            after=lambda _request: alone.release(),
        ),
    )

    def work() -> None:
        everybody.wait()
        while workers.attempt("acme"):
            pass

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work) for _ in range(6)]:
            future.result()

    assert was_alone == [True] * 5
    assert sorted(acme.calls()) == [*["find_or_create_config"] * 2, *["replace_config"] * 2, "upsert_account"]
    assert acme.statuses(events) == ["done"] * 3
    assert acme.rows("work") == acme.rows("checks") == []
    assert acme.mirror() == acme.truth()
    check_history(acme)


# --- lost leases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lands_last", [True, False])
def test_a_worker_that_lost_its_lease_writes_nothing(acme: World, lands_last: bool) -> None:
    first, second = change("@first"), change("@second")
    acme.publish(first)
    kept: list[dict[str, Any]] = []

    def meanwhile() -> None:
        outlive_the_lease(acme)
        acme.publish(second)
        acme.attempts.attempt("acme")
        kept.append(stored(acme))

    hook = Once("PUT", meanwhile)
    wire = Wire(acme, before=hook) if lands_last else Wire(acme, after=hook)
    with pytest.raises(LeaseLost):
        workers_over(acme, wire).attempt("acme")

    assert stored(acme) == kept[0]
    assert acme.statuses([first, second]) == ["superseded", "done"]
    (check,) = acme.rows("checks")
    assert (check["linked_account_id"], check["slug"]) == ("acme", "slack")
    acme.work_until_quiet()
    assert acme.mirror() == acme.truth()
    assert acme.rows("checks") == acme.rows("work") == []
    check_history(acme)


def test_a_worker_that_nobody_relieved_keeps_what_it_did(acme: World) -> None:
    event = change("@a")
    acme.publish(event)
    workers_over(acme, Wire(acme, after=Once("PUT", lambda: outlive_the_lease(acme)))).attempt("acme")

    assert acme.event(event)["status"] == "done"
    assert acme.rows("work") == acme.rows("checks") == []
    assert acme.mirror() == acme.truth()


def test_a_dead_workers_account_waits_no_longer_than_its_lease(acme: World) -> None:
    event = change("@a")
    acme.publish(event)
    with pytest.raises(Died):
        workers_over(acme, Wire(acme, before=die)).attempt("acme")

    assert acme.due_accounts() == []
    acme.clock.pass_time(acme.settings.lease_ttl.total_seconds())
    assert acme.due_accounts() == ["acme"]
    acme.work()
    assert acme.event(event)["status"] == "done"
    assert acme.event(event)["attempts"] == 1  # what kills workers again and again waits longer and longer


@pytest.mark.parametrize("options", [{"delayed_write_seconds": 300}])
def test_a_subject_is_looked_at_again_even_if_whoever_took_over_died_too(acme: World) -> None:
    acme.publish(change("@late"))
    acme.sandbox.add_faults(late_and_silent("replace_config", seconds=250))
    with pytest.raises(Died):
        workers_over(acme, Wire(acme, silence=die)).attempt("acme")

    acme.publish(UserSignedUp("acme", name="New", udf={}), change("@newer"))  # the account itself goes first
    outlive_the_lease(acme)
    with pytest.raises(Died):
        workers_over(acme, Wire(acme, before=die)).attempt("acme")
    outlive_the_lease(acme)
    acme.work()
    assert acme.mirror()["configs"]["acme", "slack", "acme"][0] == {"mention": "@newer"}

    acme.work_until_quiet()
    assert acme.sandbox.late_effects() == 0
    assert acme.mirror()["configs"]["acme", "slack", "acme"][0] == {"mention": "@late"}
    assert acme.mirror() == acme.truth()


def late_and_silent(route: str, *, seconds: float) -> Fault:
    return Fault(answer=Answer.TIMEOUT, effect=Effect.LATER, later_seconds=seconds, route=route, times=1)


# --- how long a lease is believed in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.0, 5.0, 9.9])
def test_no_call_begins_with_less_lease_left_than_it_may_take(acme: World, seconds: float) -> None:
    events = [change("@a"), *(ConfigChanged("acme", "slack", config_id=f"config-{n}") for n in range(6))]
    acme.publish(*events)
    left: list[float] = []

    def note(_request: httpx.Request) -> None:
        left.append((acme.row("work")["leased_until"] - acme.clock()).total_seconds())

    wire = Wire(acme, before=note, after=lambda _request: acme.clock.pass_time(seconds))
    acme.attempts = replace(workers_over(acme, wire), monotonic=lambda: acme.clock().timestamp())
    acme.work_until_quiet()

    assert min(left) >= acme.settings.longest_call_seconds
    assert len(left) >= 8
    assert acme.statuses(events) == ["done"] * 7
    assert [acme.event(event)["attempts"] for event in events] == [0] * 7
    assert acme.mirror() == acme.truth()


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)  # on SQLite nobody can come in between
def test_a_lease_given_back_at_this_moment_was_not_abandoned(world: World) -> None:
    now, ttl = world.clock(), timedelta(seconds=30)
    with world.engine.begin() as connection:
        first = take_lease(connection, "acme", "slack", now=now, began=0, ttl=ttl)
    assert first is not None

    def end_the_other(_connection: object, _cursor: object, statement: str, *_details: object) -> None:
        if statement.lstrip().startswith("INSERT"):
            with world.engine.begin() as other:
                give_back(other, first, world.clock)

    with world.engine.begin() as connection:
        engine_event.listen(connection, "before_cursor_execute", end_the_other)
        second = take_lease(connection, "acme", "slack", now=now, began=0, ttl=ttl)
    assert second is not None
    assert second.abandoned is None


def test_a_lease_that_another_worker_took_over_cannot_be_given_back(world: World) -> None:
    now, ttl = world.clock(), timedelta(seconds=30)
    with world.engine.begin() as connection:
        first = take_lease(connection, "acme", "slack", now=now, began=0, ttl=ttl)
        second = take_lease(connection, "acme", "slack", now=now + ttl, began=0, ttl=ttl)
    assert first is not None
    assert second is not None

    with pytest.raises(LeaseLost), world.engine.begin() as connection:
        give_back(connection, first, world.clock)

    assert world.row("work")["lease_token"] == second.token


# --- what comes in the meantime ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["slack", "hubspot", None])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_event_that_comes_while_its_account_is_worked_on_is_not_lost(
    acme: World, slug: str | None, method: str
) -> None:
    first = change("@first")
    acme.publish(first)
    later = (
        UserSignedUp("acme", name="New", udf={})
        if slug is None
        else ConfigChanged("acme", slug, fields={"mention": "@later"} if slug == "slack" else {"pipeline": "default"})
    )

    def meanwhile() -> None:
        acme.publish(later)
        assert not acme.attempts.attempt("acme")  # its message comes to nothing

    workers_over(acme, Wire(acme, before=Once(method, meanwhile))).attempt("acme")
    assert acme.statuses([first, later]) == ["done", "pending"]
    assert acme.due_accounts() == ["acme"]
    acme.work()

    assert acme.statuses([first, later]) == ["done", "done"]
    assert len(acme.calls()) == 2 + (1 if slug is None else 2)
    assert acme.mirror() == acme.truth()
