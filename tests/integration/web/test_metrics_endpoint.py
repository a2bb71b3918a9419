"""What Prometheus reads: numbers of the whole installation, equal to what the tables hold, and no customer's id."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from cobalt_mirror.db.state import Halt, record_halt
from cobalt_mirror.db.statuses import Move, PauseScope, ProcessKind
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.heartbeat import Heartbeat
from cobalt_mirror.workers.limit_use import prefix_of, read_time, steps_before
from cobalt_mirror.workers.ops.causes import WATCHED
from cobalt_mirror.workers.ops.pausing import pause_work
from cobalt_mirror.workers.web import create_app
from cobalt_mirror.workers.web.metrics_endpoint import KEPT_SECONDS
from tests.integration.reconcile.runs import reconcile
from tests.integration.web.endpoints import Endpoints
from tests.world import World

TOKEN = "a-token-of-the-monitor"
NOBODY = dict.fromkeys(map(str, Move), 0.0)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(options={"metrics_token": TOKEN})


def read(world: World, *, endpoints: Endpoints | None = None) -> dict[str, Any]:
    """The metrics by name: the value, or the values by their label."""
    asked = endpoints or Endpoints(world, create_app(world.settings, engine=world.engine, clock=world.clock))
    answer = asked.request("GET", "/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "acme" not in answer.text
    values: dict[str, Any] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            if sample.labels:
                (label,) = sample.labels.values()
                values.setdefault(sample.name.removeprefix("cobalt_mirror_"), {})[label] = sample.value
            else:
                values[sample.name.removeprefix("cobalt_mirror_")] = sample.value
    return values


def test_an_empty_installation_shows_every_value_of_every_label(world: World) -> None:
    metrics = read(world)

    assert set(metrics["events_waiting"].values()) == {0.0}
    assert len(metrics["events_waiting"]) == 7  # six types, and `unknown`
    assert metrics["drift_total"] == {"adopted": 0, "repaired": 0, "left": 0}
    assert metrics["connections"] == {"connected": 0, "reauth_required": 0, "disconnected": 0}
    assert (metrics["events_dead"], metrics["halted"]) == (NOBODY, NOBODY)
    assert metrics["action_needed"] == dict.fromkeys(map(str, WATCHED), 0)
    assert metrics["processes"] == dict.fromkeys(map(str, ProcessKind), 0)
    assert [metrics[name] for name in ("oldest_due_age_seconds", "pauses")] == [0, 0]
    assert metrics["last_complete_reconcile_timestamp_seconds"] == 0
    assert list(metrics["build_info"].values()) == [1]


def test_the_numbers_are_those_of_the_tables(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    for slug in ("slack", "hubspot"):
        world.sandbox.connect("acme", slug)
        world.publish(ConnectionAuthorized("acme", slug))
    world.publish(ConfigChanged("acme", "slack", fields={"channel": 5}))  # refused: the customer has to act
    world.work_until_quiet()
    world.sandbox.expire_connection("acme", "hubspot")
    reconcile(world)
    passed = world.row("runs", place=None)["started_at"]
    world.publish(UserSignedUp("late", name="Late", udf={}))
    for type_ in ("typo_a", "typo_b"):
        world.insert_by_hand(type=type_, linked_account_id="late")
    world.clock.pass_time(90)
    Heartbeat(ProcessKind.RELAY, world.engine, clock=world.clock).beat()
    pause_work(world.engine, PauseScope.ACCOUNT, "acme", lasts=None, why=None, by="ann", clock=world.clock)
    with world.engine.begin() as connection:
        now = world.clock()
        record_halt(connection, Halt(reason="away", since=now, probe_at=now, move=Move.PROVIDER))

    metrics = read(world)

    assert metrics["events_waiting"]["user_signed_up"] == 1
    assert metrics["events_waiting"]["unknown"] == 2
    assert sum(metrics["events_waiting"].values()) == 3
    assert metrics["drift_total"] == {"adopted": 0, "repaired": 1, "left": 0}
    assert metrics["oldest_due_age_seconds"] == pytest.approx(90, abs=5)
    assert metrics["events_dead"] == {**NOBODY, "customer": 1}
    assert metrics["halted"] == {**NOBODY, "provider": 1}
    assert {cause for cause, needed in metrics["action_needed"].items() if needed} == {"no_worker", "halted"}
    assert metrics["pauses"] == 1
    assert metrics["connections"] == {"connected": 1, "reauth_required": 1, "disconnected": 0}
    assert metrics["processes"]["relay"] == 1
    assert metrics["last_complete_reconcile_timestamp_seconds"] == pytest.approx(passed.timestamp())


def test_the_database_is_read_once_in_ten_seconds(world: World) -> None:
    now = [100.0]
    app = create_app(world.settings, engine=world.engine, clock=world.clock, monotonic=lambda: now[0])
    endpoints = Endpoints(world, app)
    assert read(world, endpoints=endpoints)["events_waiting"]["user_signed_up"] == 0
    world.publish(UserSignedUp("acme", name="Acme", udf={}))

    now[0] += KEPT_SECONDS - 0.1
    assert read(world, endpoints=endpoints)["events_waiting"]["user_signed_up"] == 0
    now[0] += 0.1
    assert read(world, endpoints=endpoints)["events_waiting"]["user_signed_up"] == 1


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("set_here", "sent", "status"),
    [("", None, 403), ("", "x", 403), (TOKEN, None, 401), (TOKEN, "x", 401), (TOKEN, TOKEN, 200)],
)
def test_it_wants_the_token(make_world: Callable[..., World], set_here: str, sent: str | None, status: int) -> None:
    world = make_world(options={"metrics_token": set_here})
    endpoints = Endpoints(world, create_app(world.settings, engine=world.engine, clock=world.clock))
    headers = {} if sent is None else {"authorization": f"Bearer {sent}"}

    assert endpoints.request("GET", "/metrics", headers=headers).status_code == status


LIMIT = {"metrics_token": TOKEN, "cobalt_rate_per_second": 10}
#: Nothing listens there.
AWAY = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_the_use_of_the_limit_is_that_of_the_last_minute(make_world: Callable[..., World], redis_url: str) -> None:
    world = make_world(options={**LIMIT, "redis_url": redis_url, "redis_namespace": "used"})
    with redis.Redis.from_url(redis_url) as client:
        for step in steps_before(read_time(client) + 10):  # the test may begin at the end of a step
            client.hset(f"{prefix_of(world.settings)}{step}", mapping={"live": 30, "live:waited": 3_000_000})

    metrics = read(world)

    assert metrics["limit_used_ratio"] == {"live": pytest.approx(6 * 30 / 600, abs=30 / 600), "bulk": 0}
    assert metrics["limit_wait_seconds"] == {"live": pytest.approx(0.1)}  # who did not call did not wait


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "options", [{}, {"redis_url": AWAY}, {"redis_url": AWAY, "cobalt_rate_per_second": 0}], ids=["unset", "away", "off"]
)
def test_what_is_not_known_of_the_limit_is_no_sample(make_world: Callable[..., World], options: dict[str, Any]) -> None:
    metrics = read(make_world(options={**LIMIT, **options}))

    assert {"limit_used_ratio", "limit_wait_seconds"} & metrics.keys() == set()
    assert metrics["pauses"] == 0
