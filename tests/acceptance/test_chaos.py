"""CI's chaos run, and what an interrupted one leaves."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import family_of, in_a_session, still_running

ROOT = Path(__file__).parents[2]
LAST = re.compile(r"chaos: (\d+) s, seed (\d+), (\d+) kills, (\d+) outages, ([\d,]+) calls, (\d+) violations")


@contextmanager
def chaos(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """A run in a folder of the test's own; what is left of it at the end is killed."""
    command = [sys.executable, "-m", "tests.chaos", *options]
    with in_a_session(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        yield process


def read_until(process: "subprocess.Popen[str]", wanted: str) -> None:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if wanted in line:
            return
    raise AssertionError(f"{wanted!r} was never said, but:\n{''.join(said)}")


@pytest.mark.timeout(300)
def test_half_a_minute_of_chaos_violates_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with chaos(tmp_path, "--duration", "30", "--seed", "4") as run:
        said, _ = run.communicate(timeout=290)

    last = LAST.fullmatch(said.splitlines()[-1])
    assert last is not None, said
    assert run.returncode == 0, said
    assert (last[1], last[2], last[6]) == ("30", "4", "0")
    assert int(last[3]) >= 2
    assert int(last[4]) >= 1
    assert int(last[5].replace(",", "")) > 150
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    with chaos(tmp_path, "--duration", "60", "--seed", "5", "--database", "sqlite") as run:
        read_until(run, " 5 s  ")
        everybody = family_of(run.pid)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=60)

    assert run.returncode == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert len(everybody) > 8
    assert still_running(everybody) == set()
    assert list(tmp_path.iterdir()) == []
