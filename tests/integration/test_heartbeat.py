"""Heartbeats: the rows that they leave, and what a process says of its Redis."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from structlog.testing import capture_logs

from cobalt_mirror.db.processes import ALIVE_FOR, KEPT_FOR, list_processes
from cobalt_mirror.db.state import ensure_installation
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers.heartbeat import Heartbeat, Queues
from tests.waiting import wait_until
from tests.world import World


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def beat(world: World, kind: ProcessKind) -> None:
    Heartbeat(kind, world.engine, clock=world.clock).beat()


def test_a_process_has_one_row_from_its_start_to_its_end(world: World) -> None:
    heartbeat = Heartbeat(ProcessKind.RELAY, world.engine, clock=world.clock)
    heartbeat.beat()
    world.clock.pass_time(ALIVE_FOR.total_seconds() - 1)
    (row,) = world.rows("processes")
    with world.engine.begin() as connection:
        (process,) = list_processes(connection)
    assert (row["kind"], row["ended_at"], process.is_alive(world.clock())) == ("relay", None, True)
    world.clock.pass_time(1)
    assert not process.is_alive(world.clock())

    heartbeat.start()
    wait_until(lambda: world.row("processes")["seen_at"] > row["seen_at"])
    heartbeat.stop()

    assert world.row("processes")["started_at"] == row["started_at"]
    assert world.row("processes")["ended_at"] is not None


def test_a_heartbeat_tells_its_machine_s_clock_less_the_time_that_the_database_took(world: World) -> None:
    now = world.clock()
    world.clock.stop_at(now)
    for before, after, told in [(-3, 5, 0), (2, 5, 2), (-5, -2, -2)]:
        times = iter([now + timedelta(seconds=before), now + timedelta(seconds=after)])
        Heartbeat(ProcessKind.WEB, world.engine, clock=world.clock, local_clock=lambda: next(times)).beat()  # noqa: B023
        with world.engine.begin() as connection:
            assert now + timedelta(seconds=told) in [row.local_at for row in list_processes(connection)]


def test_rows_of_processes_that_are_long_gone_go_but_the_last_of_each_kind(world: World) -> None:
    for _ in range(3):
        beat(world, ProcessKind.WORKER)
    beat(world, ProcessKind.RELAY)
    world.clock.pass_time(KEPT_FOR.total_seconds() - 1)
    beat(world, ProcessKind.WEB)
    assert len(world.rows("processes")) == 5
    world.clock.pass_time(2)

    beat(world, ProcessKind.WORKER)

    assert sorted(row["kind"] for row in world.rows("processes")) == ["relay", "web", "worker"]


def test_two_installations_on_one_redis_and_one_namespace_notice_each_other(world: World, client: redis.Redis) -> None:
    queues = Queues(client, "shared")
    ours = Heartbeat(ProcessKind.RELAY, world.engine, queues=queues)
    ours.beat()
    Heartbeat(ProcessKind.WORKER, world.engine, queues=queues).beat()
    assert [row["trouble"] for row in world.rows("processes")] == [None, None]

    their_words = queues.find_trouble("another installation")
    ours.beat()

    assert their_words is not None
    assert [row["trouble"] for row in world.rows("processes", kind="relay")] == [their_words]
    assert "another installation uses the same Redis and REDIS_NAMESPACE" in their_words
    assert Queues(client, "of its own").find_trouble("another installation") is None


def test_an_installation_that_is_gone_is_forgotten(world: World, client: redis.Redis) -> None:
    with world.engine.begin() as connection:
        ours = ensure_installation(connection)
        assert ensure_installation(connection) == ours
    client.zadd("shared:installations", {"another installation": 1_700_000_000})

    assert Queues(client, "shared").find_trouble(ours) is None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda client: client.config_set("maxmemory", "1"), "used memory > 'maxmemory'"),
        (lambda client: client.replicaof("127.0.0.1", "1"), "read only replica"),
    ],
    ids=["out of memory", "read only"],
)
def test_a_redis_that_takes_nothing_is_a_trouble(
    world: World, client: redis.Redis, spoil: Callable[[redis.Redis], object], words: str
) -> None:
    heartbeat = Heartbeat(ProcessKind.WORKER, world.engine, queues=Queues(client, "mirror"))
    spoil(client)
    try:
        heartbeat.beat()
    finally:
        client.config_set("maxmemory", 0)
        client.replicaof("no", "one")

    said = world.row("processes")["trouble"]
    assert said.startswith("its Redis takes no writes")
    assert words in said


def test_a_beat_that_fails_in_a_way_that_nobody_foresaw_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cobalt_mirror.workers.heartbeat.BEAT_SECONDS", 0.01)
    failures = iter([NotImplementedError("no such DateStyle")] * 3)
    heartbeat = Heartbeat(ProcessKind.WEB, world.engine)
    beat = heartbeat.beat

    def fail_at_first() -> None:
        for error in failures:
            raise error
        beat()

    monkeypatch.setattr(heartbeat, "beat", fail_at_first)
    with capture_logs() as logs:
        heartbeat.start()
        wait_until(lambda: bool(world.rows("processes")))
        heartbeat.stop()

    said = [(line["event"], line["error"]) for line in logs]
    assert said == [("heartbeat_failed", "NotImplementedError: no such DateStyle")]
