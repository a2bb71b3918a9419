"""Run `cobalt-mirror` as a process, in a folder of its own, with only the settings of the test."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cobalt_mirror.workers.cli import main
from cobalt_mirror.workers.cli.app import COMMANDS
from tests.waiting import is_running

COMMAND = Path(sysconfig.get_path("scripts"), "cobalt-mirror")
# Importing everything takes a second or two; a fork of a process that has imported it takes none.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([f"cobalt_mirror.workers.cli.{name}" for name in COMMANDS])

#: The longest time of a command that ends by itself.
_LONGEST_SECONDS = 120
_OURS = (
    "COBALT_",
    "COLUMNS",
    "DATABASE_URL",
    "HANDLERS_",
    "METRICS_",
    "MIRROR_",
    "NOTICES_",
    "OTEL_",
    "REDIS_",
    "RELAY_",
    "SENTRY_",
    "WORKER_",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of a command."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder and the environment variables for commands in it."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str, standard_input: str = "", **variables: str) -> Ended:
        """Run a command to its end, with `standard_input` on its standard input."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("input", "output", "errors")]
            for stream, text in zip(streams, (standard_input, "", ""), strict=True):
                stream.write_text(text)
            process = _FORKS.Process(
                target=_become, args=(arguments, self.folder, self._environment(variables), streams)
            )
            process.start()
            process.join(_LONGEST_SECONDS)
            assert process.exitcode is not None, f"{arguments} still runs after {_LONGEST_SECONDS} s"
            return Ended(process.exitcode, streams[1].read_text(), streams[2].read_text())

    def run_here(self, *arguments: str) -> Ended:
        """Run a command in this process, with what is loaded and compiled already: for one that reads and prints."""
        output, errors = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self._environment({}), clear=True),
            mock.patch.object(sys, "argv", ["cobalt-mirror", *arguments]),
            redirect_stdout(output),
            redirect_stderr(errors),
        ):
            try:
                main()
            except SystemExit as ended:
                return Ended(int(ended.code or 0), output.getvalue(), errors.getvalue())
        raise AssertionError("a command ends with an exit code")

    @contextmanager
    def start(self, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command in a session of its own, with its errors in its output; kill the session afterwards."""
        with in_a_session([COMMAND, *arguments], cwd=self.folder, env=self._environment(variables)) as process:
            yield process

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {**inherited, **self.variables, **variables}


@contextmanager
def in_a_session(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a session of its own, with its errors in its output; kill the session afterwards."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
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


def _become(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]) -> None:
    """Run the command in a forked process."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they are the process's own
    sys.argv = ["cobalt-mirror", *arguments]
    main()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return a process's output up to the line that contains `text`; fail if the process ends first."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} is not in the output:\n{''.join(lines)}")


def children_of(pid: int) -> dict[int, str]:
    """Return the command lines of a process's children, by their ids."""
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
    """Return the ids of a process and all its descendants."""
    below = [family_of(child) for child in children_of(pid)]
    return {pid}.union(*below)


def still_running(pids: set[int]) -> set[int]:
    """Return the processes that are still running."""
    return {pid for pid in pids if is_running(pid)}
