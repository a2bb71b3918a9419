"""A running mirror to measure: the Procfile's processes on a Redis, a database and a Cobalt of their own."""

import math
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import httpx
import psycopg
from cryptography.fernet import Fernet
from sqlalchemy import Engine, func, select

from benchmarks.figures import Figure
from benchmarks.place import SQLITE
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.events import Event
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.reaper import Reaper
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.sandbox import sandbox_environment
from cobalt_mirror.workers.local.supervisor import Supervisor
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import exit_on_signal
from tests.services import PostgresServer, postgres_server
from tests.waiting import wait_until

_OURS = ("COBALT_", "DATABASE_URL", "EVENTS_", "MIRROR_", "REDIS_", "WEB_", "WORKER_")
#: Settings that the tests' server switches off and a production server does not.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cobalt:
    """A client of the sandbox's control API. It does not go through the simulated network."""

    http: httpx.Client

    def set(self, **settings: Any) -> None:
        """Change settings of the sandbox."""
        self.http.patch("/_sandbox/settings", json=settings).raise_for_status()

    def set_fault(self, **fault: Any) -> None:
        """Set one fault rule, in place of all others."""
        self.http.put("/_sandbox/faults", json=fault).raise_for_status()

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self.http.delete("/_sandbox/faults").raise_for_status()

    def summary(self) -> dict[str, Any]:
        """Return exact counts of calls so far, by route and by status."""
        counts: dict[str, Any] = self.http.get("/_sandbox/ledger/summary").raise_for_status().json()
        return counts

    def calls(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the calls in the ledger that match the filters; `after=n` skips the first n."""
        records: list[dict[str, Any]] = (
            self.http.get("/_sandbox/ledger/calls", params=filters).raise_for_status().json()
        )
        return records

    def state(self) -> dict[str, Any]:
        """Return the full state of the test environment."""
        answer = self.http.get("/_sandbox/state", params={"environment": "test"})
        state: dict[str, Any] = answer.raise_for_status().json()
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A running mirror, with a host's means to publish into it and to read it."""

    variables: Mapping[str, str]
    settings: Settings
    engine: Engine
    cobalt: Cobalt
    processes: Supervisor
    reaper: Reaper
    log: Path

    def publish(self, events: Iterable[Event]) -> None:
        """Publish events in one transaction of the host."""
        with self.engine.begin() as connection:
            publish_with(self.settings.vault(), events, connection)

    def count_pending(self) -> int:
        """Return the number of pending events."""
        waiting = select(func.count()).select_from(tables.events).where(tables.events.c.status == "pending")
        with reading(self.engine).begin() as connection:
            return connection.execute(waiting).scalar_one()

    def wait_until_done(self, *, timeout_seconds: float = 120) -> None:
        """Wait until no event is pending."""
        wait_until(lambda: not self.count_pending(), timeout_seconds=timeout_seconds)

    def wait_for_line(self, text: str, *, times: int = 1) -> str:
        """Wait until the log holds a text so many times, and return the first line with it."""
        wait_until(lambda: self.log.read_text().count(text) >= times, timeout_seconds=120)
        return next(line for line in self.log.read_text().splitlines() if text in line)

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `cobalt-mirror ARGUMENTS`; it ends with the fleet at the latest."""
        command = Path(sysconfig.get_path("scripts"), "cobalt-mirror")
        with self.log.open("ab") as output:
            return self.reaper.spawn([str(command), *arguments], environment=self.variables, output=output)


@contextmanager
def database_server(database: str) -> Iterator[PostgresServer | None]:
    """Return a server for several fleets: PostgreSQL with its usual durability, or None for SQLite."""
    with exit_on_signal():  # Ctrl-C and SIGTERM alike run every `finally`
        if database == SQLITE:
            yield None
            return
        with postgres_server() as server:
            if "TEST_POSTGRES_URL" not in os.environ:
                _make_durable(server)
            yield server


def _make_durable(server: PostgresServer) -> None:
    address = server.address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in _DURABLE:
            connection.execute(f"ALTER SYSTEM RESET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The configuration of a fleet.

    Attributes:
        names: Processes of the Procfile to run.
        accounts: Number of accounts that Cobalt has at the start.
        longest_delay_ms: Longest delay of the simulated network between workers and Cobalt; None for no such network.
        rate_limited: Whether Cobalt enforces its rate limit.
        variables: Settings that differ from the default.
    """

    names: Sequence[str] = ("worker", "relay")
    accounts: int = 0
    longest_delay_ms: float | None = None
    rate_limited: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def fleet(server: PostgresServer | None, plan: Plan) -> Iterator[Fleet]:
    """Start a fleet with empty stores, and stop it in every case, Ctrl-C included.

    Args:
        server: Server for the database; None for SQLite.
        plan: Configuration of the fleet.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cobalt-mirror-bench-")))
        redis_url = stack.enter_context(EmbeddedRedis(folder / "redis")).url
        reaper = stack.enter_context(Reaper())
        sandbox_url = _start(reaper, "benchmarks.standin", str(plan.accounts))
        url = sandbox_url
        if plan.longest_delay_ms is not None:
            url = _start(reaper, "benchmarks.network", url.removeprefix("http://"), str(plan.longest_delay_ms))
        overrides = {
            **sandbox_environment(url, os.environ),
            "DATABASE_URL": f"sqlite:///{folder / 'mirror.db'}"
            if server is None
            else stack.enter_context(server.database()),
            "REDIS_URL": redis_url,
            "MIRROR_SECRET_KEYS": Fernet.generate_key().decode(),
            "WEB_PORT": "0",
            **plan.variables,
        }
        http = stack.enter_context(httpx.Client(base_url=sandbox_url, trust_env=False, timeout=60))
        cobalt = Cobalt(http)
        cobalt.set(rate_limited=plan.rate_limited)
        yield stack.enter_context(_running(plan, overrides, cobalt, reaper, folder / "processes.log"))


@contextmanager
def _running(plan: Plan, overrides: Mapping[str, str], cobalt: Cobalt, reaper: Reaper, log: Path) -> Iterator[Fleet]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    variables = {**inherited, **overrides}
    values = {name.lower(): value for name, value in overrides.items()}
    settings = Settings.model_validate({name: values[name] for name in Settings.model_fields if name in values})
    engine = create_engine(settings)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        output = stack.enter_context(log.open("a"))
        processes = stack.enter_context(
            Supervisor(
                find_procfile(),
                environment=variables,
                names=plan.names,
                output=output,
                grace=timedelta(seconds=5),
            )
        )
        fleet = Fleet(
            variables=variables,
            settings=settings,
            engine=engine,
            cobalt=cobalt,
            processes=processes,
            reaper=reaper,
            log=log,
        )
        try:
            processes.run_first()
            processes.start()
            if "worker" in plan.names:
                fleet.wait_for_line("is ready for action", times=settings.worker_processes)
            yield fleet
        except Exception as error:
            error.add_note(log.read_text(errors="replace")[-3_000:])
            raise


def _start(reaper: Reaper, module: str, *arguments: str) -> str:
    """Start a helper process, and return the URL that it prints."""
    reading_end, writing_end = os.pipe()
    with os.fdopen(reading_end, "rb") as printed:
        with os.fdopen(writing_end, "wb") as output:
            command = [sys.executable, "-m", module, *arguments]
            reaper.spawn(command, environment={**os.environ, "PYTHONUNBUFFERED": "1"}, output=output)
        return _address(printed, module)


def _address(printed: IO[bytes], module: str) -> str:
    output = b""
    for line in printed:
        if line.startswith(b"http://"):
            return line.decode().strip()
        output += line
    raise RuntimeError(f"{module} did not start: {output.decode(errors='replace')[-1_000:]}")


# --- measuring --------------------------------------------------------------------------------------------------------


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far, with its threads and without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def sleep_until(moment: float) -> None:
    """Sleep until a moment of `time.monotonic`."""
    time.sleep(max(moment - time.monotonic(), 0))


def machine_load() -> list[float]:
    """Return the load averages of 1, 5 and 15 minutes."""
    return [round(average, 1) for average in os.getloadavg()]


# --- running one module by itself -------------------------------------------------------------------------------------


def say_to_stderr(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def show(figures: Iterable[Figure]) -> None:
    """Print figures as they come, one a line."""
    for figure in figures:
        held = {True: "holds", False: "MISSED", None: ""}[figure.holds]
        words = (figure.name, figure.database, f"{figure.value:g} {figure.unit}", figure.against, figure.bar, held)
        print(" | ".join(words), figure.detail, flush=True)  # noqa: T201
