"""The demo as a user runs it, undisturbed, interrupted, and with its parts failing in the middle."""

import os
import re
import signal
import subprocess
from collections.abc import Callable

import pytest
import redis
from sqlalchemy import create_engine, inspect

from tests.commands import Shell, children_of, family_of, still_running

AGREES = re.compile(r"mirror agrees with Cobalt: (\d+) accounts, (\d+) connections, (\d+) configs, 0 differences")
#: What the demo says when its customers are at it.
BUSY = re.compile(r" [1-9]\d* events handled, [1-9]\d* waiting")


def wait_until_busy(demo: subprocess.Popen[str]) -> None:
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if BUSY.search(line):
            return
    raise AssertionError(f"the demo was never busy, but said:\n{said}")


def child(pid: int, *words: str) -> int:
    """The only child of a process whose command line has these words."""
    [found] = [one for one, command in children_of(pid).items() if all(word in command for word in words)]
    return found


def assert_agrees(said: str, *, customers: int) -> None:
    last = said.splitlines()[-1]
    counts = AGREES.fullmatch(last)
    assert counts is not None, said
    assert int(counts[1]) == customers
    assert int(counts[2]) > customers
    assert int(counts[3]) > customers


def test_the_mirror_agrees_at_the_end_and_nothing_is_left_over(shell: Shell) -> None:
    with shell.start("demo", "--customers", "6", "--seed", "3") as demo:
        wait_until_busy(demo)
        everybody = family_of(demo.pid)
        said, _ = demo.communicate(timeout=200)

    assert demo.returncode == 0
    assert_agrees(said, customers=6)
    assert "the integrations page of" in said
    assert re.search(r"calls to Cobalt, for \d+ events", said)
    assert "of these, 0 were over Cobalt's limit" in said
    assert len(everybody) > 6
    assert still_running(everybody) == set()
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running_and_nothing_on_disk(shell: Shell, number: signal.Signals) -> None:
    (shell.folder / "var").mkdir()
    (shell.folder / "var" / "mine").touch()
    with shell.start("demo", "--customers", "100") as demo:
        wait_until_busy(demo)
        everybody = family_of(demo.pid)
        demo.send_signal(number)
        demo.send_signal(signal.SIGINT)  # an impatient second one changes nothing
        said, _ = demo.communicate(timeout=60)

    assert demo.returncode in {128 + number, 128 + signal.SIGINT}
    assert "Traceback" not in said
    assert still_running(everybody) == set()
    assert [str(path.relative_to(shell.folder)) for path in shell.folder.rglob("*")] == ["var", "var/mine"]


def kill_a_worker(demo: int) -> None:
    """Kill one of the worker's processes, as a machine without memory does."""
    master = child(demo, "dramatiq")
    os.kill(min(children_of(master)), signal.SIGKILL)


def flush_redis(demo: int) -> None:
    """Take every message, and the governor's memory, out of Redis."""
    port = re.search(r":(\d+)|--port (\d+)", children_of(demo)[child(demo, "redis-server")])
    assert port is not None
    with redis.Redis(port=int(port[1] or port[2])) as client:
        assert client.dbsize() > 0
        client.flushall()


def test_the_mirror_agrees_although_a_worker_is_killed_in_the_middle(shell: Shell) -> None:
    agrees_although(kill_a_worker, shell)


def test_on_postgresql_it_agrees_although_redis_is_emptied_and_leaves_the_database_as_it_was(
    shell: Shell, postgres_url: str
) -> None:
    agrees_although(flush_redis, shell, "--database-url", postgres_url)

    assert schemas(postgres_url) == {"public"}


def agrees_although(harm: Callable[[int], None], shell: Shell, *options: str) -> None:
    """Run a demo, harm it while it is busy, and look at what it says in the end."""
    # A dead worker's accounts wait for their leases, which are as long as calls may take.
    with shell.start("demo", "--customers", "6", "--seed", "5", *options, COBALT_TIMEOUT_SECONDS="3") as demo:
        wait_until_busy(demo)
        harm(demo.pid)
        said, _ = demo.communicate(timeout=220)

    assert_agrees(said, customers=6)
    assert demo.returncode == 0
    assert list(shell.folder.iterdir()) == []


def test_a_demo_that_cannot_begin_says_why_and_leaves_nothing(shell: Shell) -> None:
    ended = shell.run("demo", "--database-url", "postgresql://nobody@127.0.0.1:1/nothing")

    assert ended.status == 1
    assert "no database answers at postgresql" in ended.errors
    assert "Traceback" not in ended.errors
    assert list(shell.folder.iterdir()) == []


def test_a_demo_does_not_touch_a_sqlite_file_of_the_users(shell: Shell) -> None:
    ended = shell.run("demo", "--database-url", "sqlite:///mine.db")

    assert ended.status == 2
    assert "expected postgresql://" in ended.errors


def schemas(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return {name for name in inspect(engine).get_schema_names() if not name.startswith(("pg_", "information_"))}
    finally:
        engine.dispose()
