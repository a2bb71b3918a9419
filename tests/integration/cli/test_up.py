"""Everything on one machine, and the sandbox alone."""

import json
import os
import re
import signal
import socket
from functools import partial

import httpx
import pytest
import redis

from tests.commands import Shell, family_of, read_until, still_running
from tests.waiting import wait_until

UP = ("up", "--sandbox", "--sandbox-port", "0")
PAST_PROXIES = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def test_up_runs_everything_until_it_is_told_to_stop(shell: Shell) -> None:
    """A newcomer who stops it with Ctrl-C is in tests/acceptance/test_readme.py."""
    with shell.start(*UP, WEB_PORT="0", WORKER_PROCESSES="1") as up:
        cobalt = re.findall(r"Cobalt +(\S+)", read_until(up, "in another shell"))[0]
        read_until(up, "ready for action")
        assert shell.run("publish", "user_signed_up", "acme", "--name", "Acme").status == 0
        wait_until(lambda: shell.run("status", "--json").output.count('"done": 1'), timeout_seconds=60)
        wait_until(lambda: "processes    1 relay, 1 worker, 1 web" in shell.run("status", "--offline").output)
        healthy = shell.run("status", "--offline")
        state = httpx.get(f"{cobalt}/_sandbox/state", trust_env=False).json()
        everybody = family_of(up.pid)
        up.terminate()
        said, _ = up.communicate(timeout=40)

    came, done = (said.index(f"event   | user_signed_up of acme: {what}\n") for what in ("came in", "done"))
    assert came < done
    assert (healthy.status, healthy.output.splitlines()[0]) == (0, "action       none needed")
    assert shell.run("status", "--offline").output.startswith(
        "ACTION       no relay runs, so no event gets to a worker"
    )
    assert up.returncode == 0
    assert "work in progress is finished first" in said
    assert "Traceback" not in said
    assert [row["name"] for row in state["accounts"]] == ["Acme"]
    assert len(everybody) > 5
    assert still_running(everybody) == set()
    assert json.loads(shell.run("show", "acme", "--json").output)["account"]["status"] == "active"


def test_what_happens_at_the_sandbox_shows_without_an_event_and_nobody_reaches_it_from_outside(shell: Shell) -> None:
    with shell.start(*UP, WEB_PORT="", PORT="0", WORKER_PROCESSES="1") as up:
        said = read_until(up, "in another shell")
        cobalt, web = (re.findall(rf"{name} +(\S+)", said)[0] for name in ("Cobalt", "web"))
        wait_until(partial(is_served, f"{web}/readyz"))
        with pytest.raises(OSError, match="refused"):  # another address of the same machine
            socket.create_connection(("127.0.0.2", int(web.rpartition(":")[2])))
        told = {"linked_account_id": "acme", "slug": "slack"}
        account = {"linked_account_id": "acme", "name": "Acme"}
        headers = {"x-api-key": "tk_sandbox"}
        httpx.post(f"{cobalt}/api/v2/public/linked-account", json=account, headers=headers, trust_env=False)
        httpx.post(f"{cobalt}/_sandbox/dashboard/connect", json=told, trust_env=False).raise_for_status()
        wait_until(lambda: '"status": "connected"' in shell.run("show", "acme", "--json").output, timeout_seconds=60)
        exports = dict(re.findall(r"(\w+)=(\S+)", re.findall(r"export (.*)", said)[0])) | PAST_PROXIES
        told_status = json.loads(shell.run("status", "--json", **exports).output)
        reconciled = shell.run("reconcile", **exports)
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=40)
    with shell.start("sandbox", "--port", "0") as later:
        kept = re.findall(r"COBALT_BASE_URL=(\S+)", read_until(later, "export"))[0]
        state = httpx.get(f"{kept}/_sandbox/state", trust_env=False).json()

    assert web.startswith("http://127.0.0.1:")
    assert [(row["linked_account_id"], row["slug"]) for row in state["connections"]] == [("acme", "slack")]
    assert (told_status["webhook"], told_status["warnings"]) == (f"{web}/webhooks/cobalt", [])
    assert (reconciled.status, "1 accounts compared" in reconciled.output) == (0, True), reconciled.errors


def is_served(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_redis_that_dies_is_started_again_at_its_address(shell: Shell) -> None:
    with shell.start(*UP, WEB_PORT="0", WORKER_PROCESSES="1") as up:
        url = re.findall(r"Redis +(\S+)", read_until(up, "in another shell"))[0]
        read_until(up, "ready for action")
        with redis.Redis.from_url(url) as client:
            before = client.info("server")["process_id"]
            client.set("kept", "yes")
            # While the disk is slow, Redis writes up to two seconds later.
            wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0)
            os.kill(before, signal.SIGKILL)
            read_until(up, "Redis ended; restarting in 0.5 s")
            wait_until(partial(answers, client))
            assert client.info("server")["process_id"] != before
            assert client.get("kept") == b"yes"
        assert shell.run("publish", "user_signed_up", "acme").status == 0
        wait_until(lambda: shell.run("status", "--json").output.count('"done": 1'), timeout_seconds=60)
        everybody = family_of(up.pid)
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=40)

    assert up.returncode == 0
    assert still_running(everybody) == set()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.mark.parametrize("name", ["WEB_PORT", "PORT"])
def test_a_port_of_web_that_is_taken_is_said(shell: Shell, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"WEB_PORT": "", name: str(taken.getsockname()[1])}
        ended = shell.run("up", "--sandbox", "--sandbox-port", "0", **ports)

    assert ended.status == 1
    assert re.fullmatch(
        rf"cobalt-mirror: cannot listen at 127.0.0.1, port .*; correct WEB_HOST or {name}\n", ended.errors
    )


def test_a_sandbox_port_that_is_taken_is_said(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (["sandbox", "--port", port], ["up", "--sandbox", "--sandbox-port", port]):
            ended = shell.run(*command)

            assert ended.status == 1
            assert re.fullmatch(rf"cobalt-mirror: the sandbox cannot listen .*port {port} .*\n", ended.errors)


@pytest.mark.parametrize(("number", "options"), [(signal.SIGINT, []), (signal.SIGTERM, ["--quiet"])])
def test_the_sandbox_says_how_to_use_it_prints_calls_and_ends_well(
    shell: Shell, number: signal.Signals, options: list[str]
) -> None:
    with shell.start("sandbox", "--port", "0", "--set", "password_values=masked", *options) as sandbox:
        url = re.findall(r"COBALT_BASE_URL=(\S+)", read_until(sandbox, "export"))[0]
        assert httpx.get(f"{url}/_sandbox/settings", trust_env=False).json()["password_values"] == "masked"
        headers = {"x-api-key": "tk_sandbox", "linked_account_id": "no body"}
        httpx.get(f"{url}/api/v2/public/application?tags=crm", headers=headers, trust_env=False)
        sandbox.send_signal(number)
        said, _ = sandbox.communicate(timeout=20)

    line = "" if options else 'GET /api/v2/public/application "no body" 400 N ms\n'
    assert (sandbox.returncode, re.sub(r"[\d.]+(?= ms)", "N", said)) == (0, line)
