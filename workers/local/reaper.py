"""The guard: a small process that ends what we started, also when we were killed before we could.

It is run as a script, by its path and without site-packages, so that it starts in milliseconds; it therefore imports
nothing but the standard library. Its standard input is a pipe that only the parent holds. The parent writes `+PGID` for
a process group to look after and `-PGID` for one that is gone. When the pipe closes, whether the parent closed it or
died, the guard asks every group to end (SIGTERM), waits, and kills the rest. So stopping in good order and the
supervisor's own SIGKILL are one path through the code.
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

# A command does not begin before the guard knows of it: it waits for one line, and ends if there is none.
_WAIT_FOR_GO = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")


class Guard:
    """Starts processes that do not outlive us, each as the leader of its own session and process group.

    Ctrl-C in the terminal does not reach them, so that we decide who ends when. Any thread may call its methods.

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
        """Starts a command whose id is also the id of its process group.

        Args:
            command: The program and its arguments.
            environment: The whole environment of the command; nothing is added.
            output: Where its standard output and error go, as `subprocess.Popen` takes it.
            inherited_files: Descriptors that stay open in the command.

        Raises:
            BrokenPipeError: The guard itself is gone. Nothing was started; make another guard.
            ValueError: The guard is closed. Nothing was started.
        """
        process, go = _start([*_WAIT_FOR_GO, *command], environment, output=output, inherited_files=inherited_files)
        with go:
            self._leaders[process.pid] = process
            self.adopt(process.pid)
            go.write(b"go\n")
        return process

    def adopt(self, group: int) -> None:
        """Looks after a process group that somebody else started."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Kills what a leader that has ended left of its group, and stops looking after it."""
        if self._leaders.pop(group, None) is None:
            return
        _signal([group], signal.SIGKILL)
        with suppress(BrokenPipeError, ValueError):  # closed meanwhile: nothing left to tell
            self._tell(f"-{group}\n")

    def close(self) -> None:
        """Ends everything that was started, and returns when it has ended. Closing twice does nothing."""
        with self._lock:
            self._pipe.close()
        # The guard takes a leader for running until we have collected its exit status.
        while self._process.poll() is None:
            self._running_leaders()
            time.sleep(_POLL_SECONDS)
        # Nothing is left here, except when somebody killed the guard.
        for leader in self._running_leaders():
            _signal([leader.pid], signal.SIGKILL)
            leader.wait()

    def _running_leaders(self) -> list[subprocess.Popen[bytes]]:
        return [leader for leader in list(self._leaders.values()) if leader.poll() is None]

    def _tell(self, line: str) -> None:
        with self._lock:
            self._pipe.write(line.encode())


def _start(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    output: int | IO[bytes],
    inherited_files: Sequence[int] = (),
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Starts a process in a session of its own; returns it and the writing end of its standard input."""
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
    """Signals groups and says which of them exist. (A group of which only a zombie is left still exists.)"""
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
