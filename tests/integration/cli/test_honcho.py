"""A runner of Procfiles starts every line of ours, and none of them ends by itself."""

import os
import subprocess

from sqlalchemy import Engine, select

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import events
from cobalt_mirror.workers.local.procfile import find_procfile
from tests.commands import COMMAND, Shell
from tests.waiting import wait_until


def test_under_honcho_every_process_of_the_procfile_keeps_running(
    mirror: Shell, engine: Engine, redis_url: str
) -> None:
    """honcho ends all processes as soon as one has ended."""
    with SandboxServer() as cobalt:
        settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox", "COBALT_BASE_URL": cobalt.url}
        settings |= {"WEB_PORT": "0", "WORKER_PROCESSES": "1"}
        command = [str(COMMAND.with_name("honcho")), "-f", str(find_procfile()), "-d", str(mirror.folder), "start"]
        path = f"{COMMAND.parent}:{os.environ['PATH']}"
        environment = {**os.environ, **mirror.variables, **settings, "PATH": path}
        output = mirror.folder / "honcho.log"
        with (
            output.open("w") as log,
            subprocess.Popen(command, env=environment, stdout=log, stderr=log) as honcho,
        ):
            try:
                wait_until(lambda: "web listens at" in output.read_text(), timeout_seconds=60)
                assert mirror.run("publish", "user_signed_up", "acme").status == 0
                wait_until(lambda: "done" in statuses(engine), timeout_seconds=60)
                said = output.read_text()
            finally:
                honcho.terminate()  # it ends its processes, which have sessions of their own
                honcho.wait(timeout=60)

    assert {name for name in ("worker", "relay", "web") if f"{name}.1 started" in said} == {"worker", "relay", "web"}
    assert "stopped" not in said


def statuses(engine: Engine) -> list[str]:
    with reading(engine).begin() as connection:
        return list(connection.execute(select(events.c.status)).scalars())
