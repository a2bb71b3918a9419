"""Runs `cobalt-mirror` as a process, in a folder of its own, with only those settings that a test made."""

import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cobalt_mirror.workers.cli import main
from tests.waiting import is_running

COMMAND = Path(sysconfig.get_path("scripts"), "cobalt-mirror")
# Importing everything takes a second or two, a fork of a process that did it takes nothing.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["cobalt_mirror.workers.cli"])

#: No command that ends by itself takes longer.
_LONGEST_SECONDS = 120
_OURS = ("COBALT_", "DATABASE_URL", "MIRROR_", "REDIS_", "WORKER_")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder and the variables that are set in it."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str, given: str = "", **variables: str) -> Ended:
        """Runs a command to its end, with `given` on its standard input."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("input", "output", "errors")]
            for stream, text in zip(streams, (given, "", ""), strict=True):
                stream.write_text(text)
            process = _FORKS.Process(
                target=_become, args=(arguments, self.folder, self._environment(variables), streams)
            )
            process.start()
            process.join(_LONGEST_SECONDS)
            assert process.exitcode is not None, f"{arguments} still runs after {_LONGEST_SECONDS} s"
            return Ended(process.exitcode, streams[1].read_text(), streams[2].read_text())

    @contextmanager
    def start(self, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """Starts a command, its errors among its output, in a session of its own; kills what is left of that."""
        with subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self._environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):  # everything of it has ended
                    os.killpg(process.pid, signal.SIGKILL)

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {**inherited, **self.variables, **variables}


def _become(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]) -> None:
    """Makes a fork be the command."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they are the process's own
    sys.argv = ["cobalt-mirror", *arguments]
    main()


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Reads what a process says up to the line that holds `wanted`; fails when it ends before."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if wanted in line:
            return "".join(said)
    raise AssertionError(f"{wanted!r} was never said, but:\n{''.join(said)}")


def children_of(pid: int) -> dict[int, str]:
    """The command lines of the processes that a process started, by their ids."""
    children = {}
    for folder in Path("/proc").iterdir():
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text().replace("\0", " ")
        except (OSError, ValueError, IndexError):
            continue  # not a process, or gone meanwhile
        if parent == pid:
            children[int(folder.name)] = command
    return children


def family_of(pid: int) -> set[int]:
    """A process and everything below it that runs."""
    below = [family_of(child) for child in children_of(pid)]
    return {pid}.union(*below)


def still_running(pids: set[int]) -> set[int]:
    """Those of them that have not ended."""
    return {pid for pid in pids if is_running(pid)}
