"""Migrations in processes of their own: alembic keeps its state in modules, so one process runs one at a time."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_OURS = ("DATABASE_URL", "MIRROR_", "PYTHON")

#: Says that it is ready, waits for a line, then migrates.
UPGRADE = """
import sys
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings

print("ready", flush=True)
sys.stdin.readline()
upgrade(DatabaseSettings.from_environment())
"""


def run_python(*arguments: str, folder: Path = ROOT, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, with only those settings that are given."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def upgrades(number: int, **variables: str) -> Iterator[Sequence[subprocess.Popen[str]]]:
    """Supervisor that are about to migrate; `go` sets one off."""
    with ExitStack() as stack:
        processes = []
        for _ in range(number):
            process = subprocess.Popen(
                [sys.executable, "-c", UPGRADE],
                cwd=ROOT,
                env=environment(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def environment(variables: Mapping[str, str | Path]) -> dict[str, str]:
    """What a process of ours inherits, and the variables given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**inherited, **{name: str(value) for name, value in variables.items()}}
