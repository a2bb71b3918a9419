"""A process whose threads died or hang ends by itself, so that whoever runs it starts a sound one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from cobalt_mirror.workers.relay import LONGEST_ROUND_SECONDS, Relay
from cobalt_mirror.workers.watchdog import EXIT_STATUS, SAME_FAULTS, Watchdog
from tests.integration.stubborn import QUEUE
from tests.waiting import wait_until
from tests.world import World

ROOT = Path(__file__).parents[2]


@contextmanager
def dramatiq_master(redis_url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "dramatiq", "tests.integration.stubborn:start", "--processes", "1"]
    environment = {"REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), "dramatiq_worker_timeout": "50"}
    with subprocess.Popen(
        [*command, "--threads", "2"],
        env=environment,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as master:
        try:
            yield master
        finally:
            with suppress(ProcessLookupError):  # everything of it has ended
                os.killpg(master.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("actor", "fault"),
    [("kill_a_thread", "threads ended unexpectedly: WorkerThread"), ("hang", "busy with one message")],
)
def test_a_worker_ends_when_a_thread_of_its_died_or_hangs(redis_url: str, actor: str, fault: str) -> None:
    broker = RedisBroker(url=redis_url)  # type: ignore[no-untyped-call]
    broker.declare_queue(QUEUE)
    with dramatiq_master(redis_url) as master:
        broker.enqueue(Message(queue_name=QUEUE, actor_name=actor, args=(), kwargs={}, options={}))
        _, said = master.communicate(timeout=60)

    assert master.returncode == EXIT_STATUS
    assert "watchdog_ends_process" in said
    assert fault in said


def test_a_fault_that_goes_by_itself_ends_nothing() -> None:
    faults: list[str | None] = ["hangs", "hangs", None] * 20
    ended: list[str] = []
    seen = threading.Event()

    def find_fault() -> str | None:
        if not faults:
            seen.set()
            return None
        return faults.pop()

    watch = Watchdog(find_fault, end=ended.append, interval_seconds=0.001)
    watch.start()
    assert seen.wait(30)
    watch.stop()

    assert ended == []


def test_a_fault_that_stays_ends_the_process_once() -> None:
    ended: list[str] = []
    looks: list[int] = []

    def find_fault() -> str:
        looks.append(1)
        return "hangs"

    Watchdog(find_fault, end=ended.append, interval_seconds=0.001).start()
    wait_until(lambda: ended)

    assert ended == ["hangs"]
    assert len(looks) == SAME_FAULTS


def test_a_relay_that_hangs_is_a_fault(world: World, redis_url: str) -> None:
    broker = RedisBroker(url=redis_url)  # type: ignore[no-untyped-call]
    relay = Relay(engine=world.engine, broker=broker, settings=world.settings, clock=world.clock)
    assert relay.find_fault() is None
    relay._round_began -= LONGEST_ROUND_SECONDS + 1

    assert "has not polled" in (relay.find_fault() or "")
