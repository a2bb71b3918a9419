"""The two sides that are compared, each as the processes that it really runs as: ours, and the plain job."""

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
#: How many events our host publishes in one transaction.
_TOGETHER = 100
_LONGEST_SECONDS = 300
#: Between two looks whether a side is finished: seldom enough that looking takes nothing from the job.
_LOOK_SECONDS = 0.05


@contextmanager
def instant_cobalt() -> Iterator[tuple[str, int]]:
    """The address of an instant Cobalt, and its process id."""
    command = [sys.executable, "-m", "benchmarks.instant"]
    with Reaper() as reaper, reaper.spawn(command, environment=os.environ, output=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield process.stdout.readline().decode().strip(), process.pid
        finally:
            process.terminate()


def environment(*, database_url: str, redis_url: str, cobalt_url: str, secret_key: str) -> dict[str, str]:
    """What the processes of both sides are told."""
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
    """One side: it accepts events, works on them with processes of its own, and tells when nothing is left."""

    #: The environment of its processes.
    told: Mapping[str, str]

    @abstractmethod
    def publish(self, events: Sequence[Event]) -> None:
        """What the host does."""

    @abstractmethod
    def is_waiting(self) -> bool:
        """Whether any event is not finished."""

    @abstractmethod
    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """The Procfile to run, and which of its lines."""

    @contextmanager
    def running(self, folder: Path) -> Iterator[list[psutil.Process]]:
        """Its processes, for as long as they run; what they write is in a file of the folder."""
        file, names = self.procfile(folder)
        with (
            (folder / "processes.log").open("a") as output,
            Supervisor(file, environment=self.told, names=names, output=output) as processes,
        ):
            processes.start()
            wait_until(lambda: len(processes.pids) == len(names))
            yield [psutil.Process(pid) for pid in processes.pids.values()]

    def finish(self) -> None:
        """Wait until nothing is left to do."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        while self.is_waiting():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not finished after {_LONGEST_SECONDS} s")
            time.sleep(_LOOK_SECONDS)


@dataclass
class Ours(Side):
    """This project: the Procfile's worker and relay."""

    engine: Engine
    settings: Settings

    def publish(self, events: Sequence[Event]) -> None:
        """A hundred events a transaction, as a host's own batch would."""
        for start in range(0, len(events), _TOGETHER):
            with self.engine.begin() as connection:
                publish_with(self.settings, events[start : start + _TOGETHER], connection)

    def is_waiting(self) -> bool:
        """Whether a row of the log is pending."""
        with self.engine.connect() as connection:
            return connection.execute(select(log.c.id).where(is_pending).limit(1)).one_or_none() is not None

    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """The one that is shipped."""
        return find_procfile(), ["worker", "relay"]


@dataclass
class Plain(Side):
    """The job written plainly: dramatiq's own command."""

    def __post_init__(self) -> None:
        self._broker = plain.create_broker(self.told["REDIS_URL"])
        self._broker.declare_queue(plain.QUEUE)

    def publish(self, events: Sequence[Event]) -> None:
        """A message an event."""
        for event in events:
            self._broker.enqueue(plain.message_of(event))

    def is_waiting(self) -> bool:
        """Whether a message is queued or in hand."""
        return int(self._broker.do_qsize(plain.QUEUE)) > 0

    def procfile(self, folder: Path) -> tuple[Path, list[str]]:
        """One line."""
        file = folder / "Procfile"
        file.write_text(f"plain: dramatiq benchmarks.plain:start --processes {PROCESSES} --threads {THREADS}\n")
        return file, ["plain"]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """The processor time that processes and everything below them have used so far."""
    family = [one for parent in processes for one in (parent, *parent.children(recursive=True))]
    return sum(sum(one.cpu_times()[:2]) for one in family)
