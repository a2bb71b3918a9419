"""The two sides of a comparison, each with its real processes: this mirror, and the plain job."""

import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy import Engine, select

from benchmarks import plain
from cobalt_mirror.db.tables import events as log
from cobalt_mirror.db.tables import is_pending
from cobalt_mirror.events import Event
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.reaper import Reaper
from cobalt_mirror.workers.local.supervisor import Supervisor
from cobalt_mirror.workers.settings import Settings
from tests.waiting import wait_until

PROCESSES, THREADS = 2, 4
#: Events that the host publishes in one transaction.
_BATCH = 100
_LONGEST_SECONDS = 300
#: Seconds between two checks of whether a side is finished: long enough that they cost the job nothing.
_POLL_SECONDS = 0.05


@contextmanager
def instant_cobalt() -> Iterator[tuple[str, int]]:
    """Start an instant Cobalt, and return its URL and process id."""
    command = [sys.executable, "-m", "benchmarks.instant"]
    with Reaper() as reaper, reaper.spawn(command, environment=os.environ, output=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield process.stdout.readline().decode().strip(), process.pid
        finally:
            process.terminate()


def environment(*, database_url: str, redis_url: str, cobalt_url: str, secret_key: str) -> dict[str, str]:
    """Return the environment of the processes of both sides."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "REDIS_NAMESPACE": "ours",
        "COBALT_BASE_URL": cobalt_url,
        "COBALT_API_KEY": "tk_bench",
        "COBALT_RATE_PER_SECOND": "0",
        "MIRROR_SECRET_KEYS": secret_key,
        "WORKER_PROCESSES": str(PROCESSES),
        "WORKER_THREADS": str(THREADS),
        "LOG_LEVEL": "warning",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@dataclass
class Side(ABC):
    """One side of the comparison: it publishes events and processes them with its own processes."""

    #: The environment of its processes.
    variables: Mapping[str, str]

    @abstractmethod
    def publish(self, events: Sequence[Event]) -> None:
        """Publish events, as a host does."""

    @abstractmethod
    def is_waiting(self) -> bool:
        """Return whether any event is unfinished."""

    @abstractmethod
    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """Return the Procfile and the names of the lines to run."""

    @contextmanager
    def running(self, folder: Path) -> Iterator[list[psutil.Process]]:
        """Run the processes inside the `with` block; their output goes to a file in the folder."""
        file, names = self.procfile(folder)
        with (
            (folder / "processes.log").open("a") as output,
            Supervisor(file, environment=self.variables, names=names, output=output) as processes,
        ):
            processes.start()
            wait_until(lambda: len(processes.pids) == len(names))
            yield [psutil.Process(pid) for pid in processes.pids.values()]

    def finish(self) -> None:
        """Wait until all events are finished."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        while self.is_waiting():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not finished after {_LONGEST_SECONDS} s")
            time.sleep(_POLL_SECONDS)


@dataclass
class MirrorSide(Side):
    """This project: the Procfile's worker and relay."""

    engine: Engine
    settings: Settings

    def publish(self, events: Sequence[Event]) -> None:
        """Publish a hundred events per transaction."""
        for start in range(0, len(events), _BATCH):
            with self.engine.begin() as connection:
                publish_with(self.settings.vault(), events[start : start + _BATCH], connection)

    def is_waiting(self) -> bool:
        """Return whether a row of the log is pending."""
        with self.engine.connect() as connection:
            return connection.execute(select(log.c.id).where(is_pending).limit(1)).one_or_none() is not None

    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """Return the shipped Procfile."""
        return find_procfile(), ["worker", "relay"]


@dataclass
class PlainSide(Side):
    """The job written plainly: dramatiq's own command."""

    def __post_init__(self) -> None:
        self._broker = plain.create_broker(self.variables["REDIS_URL"])
        self._broker.declare_queue(plain.QUEUE)

    def publish(self, events: Sequence[Event]) -> None:
        """Send one message per event."""
        for event in events:
            self._broker.enqueue(plain.message_of(event))

    def is_waiting(self) -> bool:
        """Return whether a message is queued or being processed."""
        return int(self._broker.do_qsize(plain.QUEUE)) > 0

    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """Write and return a Procfile with one line."""
        file = folder / "Procfile"
        file.write_text(f"plain: dramatiq benchmarks.plain:start --processes {PROCESSES} --threads {THREADS}\n")
        return file, ["plain"]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time of processes and their children so far."""
    family = [process for parent in processes for process in (parent, *parent.children(recursive=True))]
    return sum(sum(process.cpu_times()[:2]) for process in family)
