"""From what Cobalt does to what is stored of the event: every row of the table in docs/outcomes.md."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db.tables import applications
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from tests.integration.journey.wires import workers_over
from tests.world import World

CHANGE = ConfigChanged("acme", "slack", fields={"mention": "@a"})
SIGN_UP = UserSignedUp("acme", name="Acme Inc", udf={"plan": "pro"})


@pytest.fixture
def acme(make_world: Callable[..., World]) -> World:
    """A world in which `acme` is signed up and connected to slack."""
    world = make_world()
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()
    world.calls()
    return world


def again(event: Event) -> Event:
    """The same event as one that happens now."""
    told = {name: getattr(event, name) for name in event.payload_fields}
    if isinstance(event, UserSignedUp):
        return UserSignedUp(event.linked_account_id, **told)
    return ConfigChanged(event.linked_account_id, "slack", **told)


def is_halted(world: World) -> bool:
    return bool(world.rows("state", key="halted"))


THEIR_TROUBLE = [
    Fault(answer=Answer.CLOSED),
    Fault(answer=Answer.CLOSED, effect=Effect.DONE),
    Fault(answer=Answer.TIMEOUT),
    Fault(answer=Answer.TIMEOUT, effect=Effect.DONE),
    Fault(status=500),
    Fault(status=500, effect=Effect.DONE),
    Fault(status=503),
    Fault(status=408),
    Fault(status=409),
    Fault(answer=Answer.HTML, status=502),
    Fault(answer=Answer.HTML, status=200),
    Fault(answer=Answer.HTML, status=403),
    Fault(answer=Answer.HTML, status=404),
    Fault(answer=Answer.TRUNCATED),
]


@pytest.mark.parametrize("event", [CHANGE, SIGN_UP], ids=["config", "sign-up"])
@pytest.mark.parametrize("fault", THEIR_TROUBLE, ids=lambda one: f"{one.answer}-{one.status.value}-{one.effect}")
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_their_trouble_is_tried_again_and_ends_well(acme: World, fault: Fault, event: Event) -> None:
    event = again(event)
    acme.sandbox.add_faults(fault.model_copy(update={"times": 1, "method": "PUT"}))
    acme.publish(event)
    acme.work()

    row = acme.event(event)
    assert (row["status"], row["attempts"], row["move"]) == ("pending", 1, "provider")
    assert row["due_at"] > acme.clock()
    assert row["last_error"].startswith("PUT /api/v2/public/")
    is_told = fault.answer is Answer.ERROR or (fault.answer is Answer.HTML and fault.status >= 500)
    assert (row["last_response"] or {}).get("status") == (fault.status.value if is_told else None)
    acme.work_until_quiet()
    row = acme.event(event)
    assert (row["status"], row["last_error"], row["last_response"]) == ("done", None, None)
    assert not is_halted(acme)
    assert acme.mirror() == acme.truth()


@pytest.mark.parametrize(
    ("event", "status", "error", "move"),
    [
        (CHANGE, 400, "BAD_REQUEST", "customer"),
        (CHANGE, 422, "UNPROCESSABLE", "customer"),
        (SIGN_UP, 400, "BAD_REQUEST", "operator"),
        (SIGN_UP, 422, "UNPROCESSABLE", "operator"),
        (CHANGE, 404, "INVALID_APP_ID", "operator"),
        (CHANGE, 400, "INVALID_LINKED_ACCOUNT_ID", "operator"),  # the mirror knows the account: it is gone
        (CHANGE, 403, "FORBIDDEN", "operator"),  # the probe is not refused
    ],
)
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_what_can_never_succeed_is_dead_with_the_answer_and_the_move(
    acme: World, event: Event, status: int, error: str, move: str
) -> None:
    event = again(event)
    acme.sandbox.add_faults(Fault.model_validate({"status": status, "error": error, "linked_account_id": "acme"}))
    acme.publish(event)
    if error == "INVALID_APP_ID":  # while the catalogue shows it, that is believed to be an outage
        with acme.engine.begin() as connection:
            connection.execute(applications.delete())
    acme.work_until_quiet(patience=timedelta(hours=1))  # what Cobalt says it does not have is looked at again

    row = acme.event(event)
    assert (row["status"], row["move"], row["attempts"]) == ("dead", move, 1)
    assert row["finished_at"] is not None
    assert row["last_error"]
    if error != "INVALID_LINKED_ACCOUNT_ID":
        assert {name: row["last_response"][name] for name in ("status", "code")} == {"status": status, "code": error}
        assert row["last_response"]["message"]
    assert not is_halted(acme)


def test_an_account_that_nobody_signed_up_is_created_on_the_way(world: World) -> None:
    change = again(CHANGE)
    world.publish(change)
    world.work()

    assert world.event(change)["status"] == "done"
    assert [call.status for call in world.sandbox.calls(route="find_or_create_config")] == [400, 200]
    assert world.mirror()["configs"] == world.truth()["configs"]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_refused_key_halts_and_spends_nothing(acme: World, status: int) -> None:
    change = again(CHANGE)
    acme.sandbox.add_faults(Fault.model_validate({"status": status}))
    acme.publish(change)
    acme.work()

    row = acme.event(change)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert is_halted(acme)
    acme.sandbox.clear_faults()
    acme.work_until_quiet()
    assert acme.event(change)["status"] == "done"


def test_a_halt_is_probed_by_one_at_a_time(acme: World) -> None:
    events = [UserSignedUp(f"account-{number}", name="A", udf={}) for number in range(20)]
    acme.sandbox.add_faults(Fault.model_validate({"status": 401}))
    acme.publish(*events)
    acme.work()
    acme.calls()
    for _ in range(300):  # five minutes
        acme.clock.pass_time(1)
        for account in acme.due_accounts()[:3]:  # the relay would ring one
            acme.attempts.attempt(account)

    calls = acme.calls()
    assert set(calls) == {"list_accounts"}
    assert 300 / 61 <= len(calls) <= 300 / 60 + 7  # at most every minute, after the first few
    assert [acme.event(event)["attempts"] for event in events] == [0] * 20


@pytest.mark.parametrize(("retry_after", "longest"), [("absent", 1.0), ("seconds", 1.0), ("date", 1.0)])
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_429_is_waited_out_and_spends_nothing(
    make_world: Callable[..., World], retry_after: str, longest: float
) -> None:
    world = make_world(sandbox_settings={"retry_after": retry_after})
    sign_up = again(SIGN_UP)
    world.sandbox.add_faults(Fault(answer=Answer.THROTTLE, times=3))
    world.publish(sign_up)
    world.work()

    row = world.event(sign_up)
    assert (row["status"], row["attempts"], row["retrying_since"]) == ("pending", 0, None)
    assert row["due_at"] - world.clock() <= timedelta(seconds=longest)
    world.work_until_quiet()
    assert (world.event(sign_up)["status"], world.event(sign_up)["attempts"]) == ("done", 0)


class Lacking(httpx.BaseTransport):
    """Answers every call with 200 and an object that lacks what the documentation promises."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"name": "and nothing else"}, request=request)


def test_an_answer_that_lacks_a_key_is_their_trouble(acme: World) -> None:
    change = again(CHANGE)
    acme.publish(change)
    workers_over(acme, Lacking()).attempt("acme")

    row = acme.event(change)
    assert (row["status"], row["attempts"], row["move"]) == ("pending", 1, "provider")
    assert "does not have the documented form" in row["last_error"]
    acme.work_until_quiet()
    assert acme.event(change)["status"] == "done"
    assert acme.mirror() == acme.truth()


def test_of_a_fold_that_is_refused_only_the_event_at_fault_is_dead(acme: World) -> None:
    good = [ConfigChanged("acme", "slack", fields={"mention": f"@{number}"}) for number in range(9)]
    bad = ConfigChanged("acme", "slack", fields={"channel": 5})
    acme.publish(*good[:4], bad, *good[4:])
    acme.work_until_quiet()

    assert [row["status"] for row in map(acme.event, good) if row["status"] not in {"done", "superseded"}] == []
    row = acme.event(bad)
    assert (row["status"], row["move"], row["last_response"]["status"]) == ("dead", "customer", 400)
    assert acme.row("configs")["fields"]["mention"] == "@8"
    assert acme.mirror() == acme.truth()


def test_what_a_dead_event_keeps_of_the_answer_holds_no_secret(acme: World) -> None:
    key = "tk_sandbox"
    acme.sandbox.add_faults(Fault.model_validate({"status": 400, "error": f"KEY_{key}_IS_BAD"}))
    change = again(CHANGE)
    acme.publish(change)
    acme.work()

    assert acme.event(change)["status"] == "dead"
    assert key not in acme.everything_stored()


@pytest.mark.parametrize("lost", [Effect.NONE, Effect.DONE])
def test_a_write_without_an_answer_is_looked_at_once_more_later(acme: World, lost: Effect) -> None:
    removal = ConnectionRemoved("acme", "slack")
    acme.sandbox.add_faults(Fault(answer=Answer.TIMEOUT, effect=lost, times=1, method="DELETE"))
    acme.publish(removal)
    acme.work()
    wanted: list[datetime] = [row["due_at"] for row in acme.rows("checks", slug="slack")]

    assert [due - acme.clock() for due in wanted] == [pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=5))]
    acme.work_until_quiet()
    assert acme.event(removal)["status"] == "done"
    assert acme.rows("checks") == []
    assert acme.mirror() == acme.truth()


def test_the_waits_of_a_retry_are_settings(make_world: Callable[..., World]) -> None:
    options: dict[str, Any] = {"retry_base_seconds": 7, "retry_cap_seconds": 20, "retry_give_up_days": 91 / 86_400}
    world = make_world(options=options)
    world.sandbox.add_faults(Fault())
    sign_up = again(SIGN_UP)
    world.publish(sign_up)
    waits = []
    while True:
        world.work()
        row = world.event(sign_up)
        if row["status"] == "dead":
            break
        waits.append(round((row["due_at"] - world.clock()).total_seconds()))
        world.clock.pass_time(waits[-1] + 0.5)

    # The last try begins before 91 s are over. PostgreSQL's clock goes on while the machine is busy.
    assert waits == pytest.approx([7, 14, 20, 20, 20, 20], abs=3)
    assert (row["move"], row["last_response"]["status"]) == ("provider", 500)
