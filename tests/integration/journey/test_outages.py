"""An outage of Cobalt's: all work halts, one caller at a time probes, and then all goes on, oldest first."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.events import ConfigChanged, UserSignedUp
from cobalt_mirror.workers.circuit import FAILING_ACCOUNTS
from tests.integration.journey.replay import check_history
from tests.world import World


def sign_ups(number: int, prefix: str = "customer") -> list[UserSignedUp]:
    return [UserSignedUp(f"{prefix}-{n:03}", name="Somebody", udf={}) for n in range(number)]


def find_halt(world: World) -> dict[str, object] | None:
    found = world.rows("state", key="halted")
    return found[0]["value"] if found else None


OUTAGES = [
    Fault(),
    Fault(answer=Answer.CLOSED),
    Fault(answer=Answer.TIMEOUT),
    Fault(answer=Answer.HTML, status=503),
    Fault(answer=Answer.HTML, status=200),
]


@pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: f"{fault.answer}-{fault.status.value}")
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_an_outage_halts_all_work_and_spends_no_further_attempts(world: World, fault: Fault) -> None:
    world.sandbox.add_faults(fault)
    events = sign_ups(30)
    world.publish(*events)
    world.clock.stop_at(world.clock())  # on a slow machine the next probe would be due already
    world.work()

    halt = find_halt(world)
    assert halt is not None
    assert halt["move"] == "provider"
    assert "Cobalt is down" in str(halt["reason"])
    attempts = [world.event(event)["attempts"] for event in events]
    assert attempts == [1] * FAILING_ACCOUNTS + [0] * (30 - FAILING_ACCOUNTS)
    assert world.calls() == ["upsert_account"] * FAILING_ACCOUNTS + ["list_accounts"]


def test_while_it_lasts_only_probes_are_sent_one_at_a_time(world: World) -> None:
    world.sandbox.add_faults(Fault())
    world.publish(*sign_ups(10))
    world.clock.stop_at(world.clock())  # so that four minutes are four minutes however long this takes
    world.work()
    world.calls()
    for _ in range(240):  # four minutes
        world.clock.pass_time(1)
        for account in world.due_accounts()[:3]:  # the relay would ring one
            world.attempts.attempt(account)

    calls = world.calls()
    assert set(calls) == {"list_accounts"}
    assert 240 / 16 <= len(calls) <= 240 / 15 + 6


def test_after_an_hour_nothing_is_dead_and_the_backlog_drains_oldest_first(world: World) -> None:
    world.sandbox.add_faults(Fault())
    events = sign_ups(60)
    for event in events:  # one a minute
        world.publish(event)
        world.work()
        world.clock.pass_time(60)
    assert set(world.statuses(events)) == {"pending"}
    world.calls()
    world.sandbox.clear_faults()
    world.attempts.attempt(world.due_accounts()[0])  # the one that the relay rings to probe
    world.work()

    assert world.statuses(events) == ["done"] * 60
    first, *drained = [call.linked_account_id for call in world.sandbox.calls(route="upsert_account")]
    assert drained == [one.linked_account_id for one in events if one.linked_account_id != first]
    world.work_until_quiet()
    assert find_halt(world) is None
    assert world.mirror() == world.truth()
    check_history(world)


def test_one_customers_trouble_halts_nobody(world: World) -> None:
    world.publish(*sign_ups(2))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(linked_account_id="customer-000"))
    world.publish(*(ConfigChanged("customer-000", slug) for slug in ("slack", "hubspot", "notion", "jira") * 3))
    world.calls()
    world.work_until_quiet(patience=timedelta(minutes=30))

    assert find_halt(world) is None
    assert "list_accounts" not in world.calls()  # it did not even look like an outage


def test_one_applications_trouble_halts_nobody(world: World) -> None:
    accounts = sign_ups(12)
    world.publish(*accounts)
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(slug="slack"))
    world.publish(*(ConfigChanged(one.linked_account_id, "slack") for one in accounts))
    world.calls()
    world.work()

    assert find_halt(world) is None
    assert world.calls().count("list_accounts") == 12 // FAILING_ACCOUNTS  # what it looked like was probed


def test_the_rate_limit_is_no_outage(world: World) -> None:
    world.sandbox.add_faults(Fault(answer=Answer.THROTTLE))
    world.publish(*sign_ups(12))
    world.work()

    assert find_halt(world) is None


def test_failures_in_between_answers_are_no_outage(world: World) -> None:
    for number in range(4):
        world.sandbox.add_faults(Fault(times=FAILING_ACCOUNTS - 1))
        world.publish(*sign_ups(FAILING_ACCOUNTS + 1, prefix=f"round-{number}"))
        world.work()
        world.sandbox.clear_faults()

    assert "list_accounts" not in world.calls()


def test_a_key_that_is_refused_after_an_outage_halts_as_such(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.sandbox.add_faults(Fault())
    events = sign_ups(8)
    world.publish(*events)
    world.work()
    world.sandbox.clear_faults()
    world.use_key("tk_revoked")
    world.clock.pass_time(3600)
    world.work()

    halt = find_halt(world)
    assert halt is not None
    assert halt["move"] == "operator"
    world.use_key("tk_sandbox")
    world.clock.pass_time(61)
    world.work()
    assert world.statuses(events) == ["done"] * 8
