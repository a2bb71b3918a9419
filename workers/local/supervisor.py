"""The supervisor: run the Procfile's commands as child processes, for development, the demo and tests."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self, TextIO

from cobalt_mirror.workers.errors import CommandFailed, ProcfileError
from cobalt_mirror.workers.local.procfile import read_procfile
from cobalt_mirror.workers.local.reaper import Reaper

#: What runs to its end before the processes start. It is no line of the Procfile: a runner such as honcho starts every
#: line there, and stops all as soon as one ends.
FIRST = "cobalt-mirror migrate"
_NAME_OF_FIRST = "migrate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Delays before a process that ended by itself is restarted: `first`, then doubled each time, up to `longest`.

    After a run of at least `longest`, the next delay is `first` again.
    """

    first: timedelta = timedelta(seconds=0.5)
    longest: timedelta = timedelta(seconds=30)

    def after(self, delay: timedelta | None, *, ran_for: timedelta) -> timedelta:
        """Return the delay before the next start.

        Args:
            delay: The delay before the run that just ended; `None` if it was the first run.
            ran_for: How long that run lasted.
        """
        if delay is None or ran_for >= self.longest:
            return self.first
        return min(delay * 2, self.longest)


class Supervisor:
    """Run the commands of a Procfile until `stop`, and restart those that end by themselves.

    Each runs through `/bin/sh -c "exec ..."` (so a variable before a command needs `env`), in a process group of its
    own, with the commands of this Python environment first on its `PATH`. None of them outlives this process, whether
    it stops, fails or is killed. Use it as a context manager.

    Args:
        procfile: The Procfile; see `cobalt_mirror.workers.local.procfile.find_procfile()`.
        environment: The whole environment of the commands (`PATH` is extended, `PYTHONUNBUFFERED` added).
        names: The processes to run. `None` means all.
        output: Stream for their output, each line after the name of its process. `None` means standard output.
        grace: How long a process may take to end after SIGTERM before it is killed. The default is 30 seconds.
        backoff: Delays before a process that ended by itself is restarted.

    Raises:
        ProcfileError: The Procfile cannot be used, or lacks one of `names`.
    """

    def __init__(
        self,
        procfile: Path,
        *,
        environment: Mapping[str, str],
        names: Sequence[str] | None = None,
        output: TextIO | None = None,
        grace: timedelta = timedelta(seconds=30),
        backoff: Backoff | None = None,
    ) -> None:
        self._commands = read_procfile(procfile)
        self._names = list(self._commands if names is None else names)
        for name in self._names:
            if name not in self._commands:
                raise ProcfileError(f"{procfile} has no process {name!r}, only: {', '.join(self._commands)}")
        self._environment = _child_environment(environment)
        self._output = sys.stdout if output is None else output
        self._width = max(map(len, [*self._names, _NAME_OF_FIRST]))
        self._grace = grace
        self._backoff = Backoff() if backoff is None else backoff
        self._running: dict[str, int] = {}
        self._keepers: list[Thread] = []
        self._lock = Lock()
        self._output_lock = Lock()
        self._stopping = Event()

    def __enter__(self) -> Self:
        self._reaper = Reaper(self._grace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the processes to run, in the order of the Procfile."""
        return tuple(self._names)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the running processes, by name. Each is also the id of its process group."""
        with self._lock:
            return dict(self._running)

    def run_first(self, command: str = FIRST) -> None:
        """Run a command to its end, before the processes start; without an argument, migrate.

        Raises:
            CommandFailed: The command failed. Its output says why.
        """
        status = self._run(_NAME_OF_FIRST, command)
        if status != 0:
            raise CommandFailed(f"`{command}` {_describe(status)}")

    def start(self) -> None:
        """Start the processes, without waiting until they are ready."""
        for name in self._names:
            keeper = Thread(target=self._keep, args=[name], name=f"keeper of {name}", daemon=True)
            self._keepers.append(keeper)
            keeper.start()

    def wait(self) -> None:
        """Wait until another thread calls `stop`, or Ctrl-C raises `KeyboardInterrupt` here."""
        for keeper in self._keepers:
            keeper.join()

    def stop(self) -> None:
        """End all processes, wait until they have ended, and restart none. Stopping twice does nothing."""
        with self._lock:
            self._stopping.set()
        self._reaper.close()
        self.wait()

    def _keep(self, name: str) -> None:
        delay = None
        while not self._stopping.is_set():
            started = time.monotonic()
            status = self._run(name, self._commands[name])
            if self._stopping.is_set():
                return
            delay = self._backoff.after(delay, ran_for=timedelta(seconds=time.monotonic() - started))
            self._write(name, f"{_describe(status)}; restarting in {delay.total_seconds():g} s")
            self._stopping.wait(delay.total_seconds())

    def _run(self, name: str, command: str) -> int:
        """Run one process to its end, and return its exit status."""
        process = self._spawn(name, command)
        if process is None:
            return 0
        reader = Thread(target=self._read, args=[name, process], name=f"reader of {name}", daemon=True)
        reader.start()
        status = process.wait()
        with self._lock:
            del self._running[name]
        self._reaper.forget(process.pid)
        # Its group is gone, so its output ends here, unless a daemon that left the group still holds the pipe.
        reader.join(timeout=1)
        return status

    def _spawn(self, name: str, command: str) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            words = ["/bin/sh", "-c", f"exec {command}"]
            process = self._reaper.spawn(words, environment=self._environment, output=subprocess.PIPE)
            self._running[name] = process.pid
            return process

    def _read(self, name: str, process: subprocess.Popen[bytes]) -> None:
        # Keep reading even if the line cannot be written: a child must never wait for a full pipe.
        with process:
            for line in process.stdout or ():
                self._write(name, line.decode(errors="replace").rstrip())

    def _write(self, name: str, line: str) -> None:
        with suppress(OSError, ValueError), self._output_lock:
            self._output.write(f"{name:<{self._width}} | {line}\n")
            self._output.flush()


def _child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    scripts = sysconfig.get_path("scripts")
    path = environment.get("PATH", os.defpath)
    return {"PYTHONUNBUFFERED": "1", **environment, "PATH": f"{scripts}{os.pathsep}{path}"}


def _describe(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
