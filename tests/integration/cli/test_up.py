"""Everything on one machine, and the sandbox alone."""

import json
import re
import signal
import socket

import httpx
import pytest

from tests.commands import Shell, family_of, read_until, still_running
from tests.waiting import wait_until


def test_up_runs_everything_until_it_is_told_to_stop(shell: Shell) -> None:
    """A newcomer who stops it with Ctrl-C is in tests/acceptance/test_readme.py."""
    with shell.start("up", "--sandbox", "--sandbox-port", "0", WORKER_PROCESSES="1") as up:
        cobalt = re.findall(r"Cobalt +(\S+)", read_until(up, "in another shell"))[0]
        read_until(up, "ready for action")
        assert shell.run("publish", "user_signed_up", "acme", "--name", "Acme").status == 0
        wait_until(lambda: shell.run("status", "--json").output.count('"done": 1'), timeout_seconds=60)
        state = httpx.get(f"{cobalt}/_sandbox/state", trust_env=False).json()
        everybody = family_of(up.pid)
        up.terminate()
        said, _ = up.communicate(timeout=40)

    assert up.returncode == 0
    assert "what is in hand is finished first" in said
    assert "Traceback" not in said
    assert [row["name"] for row in state["accounts"]] == ["Acme"]
    assert len(everybody) > 5
    assert still_running(everybody) == set()
    assert json.loads(shell.run("show", "acme", "--json").output)["account"]["status"] == "active"


def test_a_sandbox_port_that_is_taken_is_said(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (["sandbox", "--port", port], ["up", "--sandbox", "--sandbox-port", port]):
            ended = shell.run(*command)

            assert ended.status == 1
            assert re.fullmatch(rf"cobalt-mirror: the sandbox cannot listen .*port {port} .*\n", ended.errors)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_says_how_to_use_it_and_ends_well(shell: Shell, number: signal.Signals) -> None:
    with shell.start("sandbox", "--port", "0", "--set", "password_values=masked") as sandbox:
        url = re.findall(r"COBALT_BASE_URL=(\S+)", read_until(sandbox, "export"))[0]
        assert httpx.get(f"{url}/_sandbox/settings", trust_env=False).json()["password_values"] == "masked"
        sandbox.send_signal(number)
        said, _ = sandbox.communicate(timeout=20)

    assert (sandbox.returncode, said) == (0, "")
