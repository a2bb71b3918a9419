"""The examples for schedulers in docs/operations.md work as written: the lines for cron, the units for systemd."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.runs import RunRow, list_runs
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.cli.reconcile import PLACE_TAKEN
from cobalt_mirror.workers.reconcile import Ending
from tests.commands import COMMAND, Shell
from tests.pages import OPERATIONS, blocks, rows

#: Where the page has the command and its settings.
INSTALLED, SETTINGS = "/srv/cobalt-mirror/.venv/bin/cobalt-mirror", "/etc/cobalt-mirror.env"


@pytest.fixture
def machine(tmp_path: Path, redis_url: str) -> Iterator[Shell]:
    """A machine with a migrated mirror, a Cobalt with one customer, and a file of settings as the page has it."""
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    upgrade(DatabaseSettings(database_url=url))
    with SandboxServer(Sandbox(rate_limited=False)) as cobalt:
        with Client("tk_sandbox", base_url=cobalt.url) as client:
            client.upsert_account("acme", name="Acme", udf={})
        settings = {"DATABASE_URL": url, "REDIS_URL": redis_url, "COBALT_BASE_URL": cobalt.url}
        settings |= {"COBALT_API_KEY": "tk_sandbox", "NO_PROXY": "127.0.0.1"}
        (tmp_path / "cobalt-mirror.env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        yield Shell(tmp_path, settings)


def here(machine: Shell, text: str) -> str:
    """Return the text with the paths of this machine."""
    return text.replace(INSTALLED, str(COMMAND)).replace(SETTINGS, str(machine.folder / "cobalt-mirror.env"))


def runs_of(machine: Shell) -> list[RunRow]:
    engine = create_engine(DatabaseSettings(database_url=machine.variables["DATABASE_URL"]))
    with reading(engine).begin() as connection:
        found = list_runs(connection)
    engine.dispose()
    return found


def test_the_lines_for_cron_prune_and_reconcile(machine: Shell) -> None:
    lines = [line for text in blocks(OPERATIONS, "cron") for line in text.splitlines()]
    assert sum("prune --quiet" in line for line in lines) == 1
    for line in lines:
        *times, command = line.split(maxsplit=5)
        assert [bool(re.fullmatch(r"\*|\d+", one)) for one in times] == [True] * 5
        assert "%" not in command  # to cron that is a new line
        ended = subprocess.run(
            ["/bin/sh", "-c", here(machine, command)],
            cwd="/",
            env={"HOME": "/", "PATH": "/usr/bin:/bin"},  # all that cron gives
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")  # cron mails anything else

    deep, plain = runs_of(machine)
    assert [plain.options["deep"], deep.options["deep"]] == [False, True]
    assert all(run.finished_at for run in (plain, deep))


def units() -> dict[str, str]:
    names = [f"cobalt-mirror-{command}.{kind}" for command in ("prune", "reconcile") for kind in ("service", "timer")]
    return dict(zip(names, blocks(OPERATIONS, "ini"), strict=True))


def run_service(machine: Shell, command: str) -> tuple[configparser.SectionProxy, subprocess.CompletedProcess[str]]:
    """Run what a service starts, with the settings that it names."""
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.read_string(here(machine, units()[f"cobalt-mirror-{command}.service"]))
    service = unit["Service"]
    environment = dict(line.split("=", 1) for line in Path(service["EnvironmentFile"]).read_text().splitlines())
    ended = subprocess.run(
        shlex.split(service["ExecStart"]),
        cwd="/",
        env={name: shlex.split(value)[0] for name, value in environment.items()} | {"PATH": os.defpath},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, service["Type"]) == (0, "oneshot")
    return service, ended


def test_the_services_of_systemd_prune_and_reconcile_and_another_run_is_no_failure(machine: Shell) -> None:
    _, pruned = run_service(machine, "prune")
    service, _ = run_service(machine, "reconcile")

    assert pruned.stdout.startswith("deleted 0 events, 0 entries of the history, 0 calls, ")
    assert int(service["SuccessExitStatus"]) == PLACE_TAKEN
    assert PLACE_TAKEN not in set(Ending)
    assert [bool(run.finished_at) for run in runs_of(machine)] == [True]


def test_systemd_understands_the_units(machine: Shell) -> None:
    names = re.findall(r"`systemctl enable --now (\S+)`", OPERATIONS)
    for name, text in units().items():
        (machine.folder / name).write_text(here(machine, text))
    assert names == ["cobalt-mirror-prune.timer", "cobalt-mirror-reconcile.timer"]

    for name, interval in zip(names, ("daily", "hourly"), strict=True):
        timer = configparser.ConfigParser(interpolation=None, strict=True)
        timer.read_string(units()[name])
        assert {name: dict(timer[name]) for name in timer.sections()} == {
            "Timer": {"oncalendar": interval, "persistent": "true"},
            "Install": {"wantedby": "timers.target"},
        }
    verify = shutil.which("systemd-analyze")
    if verify is not None:
        files = [machine.folder / name for name in units()]
        said = subprocess.run([verify, "verify", *files], capture_output=True, text=True, check=False, timeout=60)
        assert [line for line in said.stderr.splitlines() if "cobalt-mirror" in line] == []


def test_the_page_has_every_exit_code() -> None:
    codes = {int(cells[0]) for cells in rows(OPERATIONS, "| exit code | meaning |")}

    assert codes == {*Ending, PLACE_TAKEN}
