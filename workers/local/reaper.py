"""The reaper: a small process that ends our child processes, even if we are killed first.

It runs as a script, by its path and without site-packages, so that it starts in milliseconds; it therefore imports
only the standard library. Its standard input is a pipe that only the parent holds. The parent writes `+PGID` to add a
process group and `-PGID` to remove one. When the pipe closes, because the parent closed it or died, the reaper sends
SIGTERM to every group, waits, and kills the rest. So an orderly stop and the parent's own SIGKILL share one path
through the code.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from types import TracebackType
from typing import IO, Self

_POLL_SECONDS = 0.02

# A command starts only after the reaper knows of it: it waits for one line, and ends if the pipe closes first.
_WAIT_FOR_GO = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")


class Reaper:
    """Start processes that never outlive this one, each as the leader of its own session and process group.

    Ctrl-C in the terminal does not reach them, so this process decides when each ends. Safe to share between threads.

    Args:
        grace: How long a process may take to end after SIGTERM before its group is killed. The default is 10 seconds.
    """

    def __init__(self, grace: timedelta = timedelta(seconds=10)) -> None:
        command = [sys.executable, "-I", "-S", __file__, str(grace.total_seconds())]
        self._process, self._pipe = _start(command, output=subprocess.DEVNULL)
        self._lock = Lock()
        self._leaders: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def spawn(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: int | IO[bytes],
        inherited_files: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a command. Its process id is also the id of its process group.

        Args:
            command: The program and its arguments.
            environment: The whole environment of the command; nothing is added.
            output: Where its standard output and error go, as `subprocess.Popen` takes it.
            inherited_files: Descriptors that stay open in the command.

        Raises:
            BrokenPipeError: The reaper process is gone. Nothing was started; create another Reaper.
            ValueError: The reaper is closed. Nothing was started.
        """
        process, go = _start([*_WAIT_FOR_GO, *command], environment, output=output, inherited_files=inherited_files)
        with go:
            self._leaders[process.pid] = process
            self.adopt(process.pid)
            go.write(b"go\n")
        return process

    def adopt(self, group: int) -> None:
        """Add a process group that was started elsewhere."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Kill what is left of the group of a leader that has ended, and remove the group."""
        if self._leaders.pop(group, None) is None:
            return
        _signal([group], signal.SIGKILL)
        with suppress(BrokenPipeError, ValueError):  # closed meanwhile: nothing to remove
            self._write(f"-{group}\n")

    def close(self) -> None:
        """End all groups, and return when they have ended. Closing twice does nothing."""
        with self._lock:
            self._pipe.close()
        # The reaper takes a leader for running until we have collected its exit status.
        while self._process.poll() is None:
            self._running_leaders()
            time.sleep(_POLL_SECONDS)
        # Nothing is left here, except when the reaper itself was killed.
        for leader in self._running_leaders():
            _signal([leader.pid], signal.SIGKILL)
            leader.wait()

    def _running_leaders(self) -> list[subprocess.Popen[bytes]]:
        return [leader for leader in list(self._leaders.values()) if leader.poll() is None]

    def _write(self, line: str) -> None:
        with self._lock:
            self._pipe.write(line.encode())


def _start(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    output: int | IO[bytes],
    inherited_files: Sequence[int] = (),
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start a process in a session of its own, and return it with the writing end of its standard input."""
    reading, writing = os.pipe()
    pipe = os.fdopen(writing, "wb", buffering=0)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands and the Procfile's
            command,
            stdin=reading,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=inherited_files,
            start_new_session=True,
        )
    finally:
        os.close(reading)
    return process, pipe


def _signal(groups: Iterable[int], number: int) -> list[int]:
    """Signal groups, and return those that exist. (A group with only a zombie left still exists.)"""
    existing = []
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            existing.append(group)
    return existing


def _end(groups: Iterable[int], grace_seconds: float) -> None:
    deadline = time.monotonic() + grace_seconds
    remaining = _signal(groups, signal.SIGTERM)
    while remaining and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        remaining = _signal(remaining, 0)
    _signal(remaining, signal.SIGKILL)


def _watch(grace_seconds: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    _end(groups, grace_seconds)


if __name__ == "__main__":
    _watch(float(sys.argv[1]))
