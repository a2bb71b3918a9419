"""The services of a run: real ones on the loopback, started for it and stopped after it, in every case."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from sqlalchemy import Engine

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.local.reaper import Reaper
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.sandbox import sandbox_environment
from cobalt_mirror.workers.local.supervisor import Backoff, Supervisor
from cobalt_mirror.workers.settings import Settings
from tests.chaos.control_client import ControlClient
from tests.chaos.faults import LATEST_EFFECT_SECONDS, RELAYS, WORKERS
from tests.chaos.options import Database, Options
from tests.chaos.postgres import Postgres, postgres
from tests.commands import COMMAND

_VAR = Path("var")
#: Worker processes and threads of each of the run's two machines.
WORKER_PROCESSES, WORKER_THREADS = 2, 4
#: How long the sandbox may take to start.
_START_TIMEOUT_SECONDS = 60.0
#: Share of calls after which Cobalt renews a token of the same account: between a worker's read and its write.
_TOKEN_RENEWALS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running services of a run."""

    folder: Path
    settings: Settings
    engine: Engine
    control: ControlClient
    processes: Supervisor
    redis: EmbeddedRedis
    postgres: Postgres | None
    reaper: Reaper
    #: Where workers and relays serve their own numbers.
    metrics_urls: Sequence[str]

    @property
    def web_url(self) -> str:
        """The URL of the web process."""
        return f"http://{self.settings.web_host}:{self.settings.web_port}"

    def is_ready(self) -> bool:
        """Return whether the web process answers and has its database and Redis."""
        try:
            return httpx.get(f"{self.web_url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def start_command(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start `cobalt-mirror`; its output goes to `commands.log`."""
        with (self.folder / "commands.log").open("ab") as log:
            log.write(f"--- cobalt-mirror {' '.join(words)}\n".encode())
            log.flush()
            return self.reaper.spawn([str(COMMAND), *words], environment=os.environ, output=log)


@contextmanager
def make_folder() -> Iterator[Path]:
    """Make a folder for the run below `var`. It is kept only if it holds `evidence` of a failure."""
    had_var = _VAR.exists()
    folder = _VAR / f"chaos-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder.absolute()
    finally:
        if not (folder / "evidence").exists():
            shutil.rmtree(folder, ignore_errors=True)
            if not had_var:
                with suppress(OSError):
                    _VAR.rmdir()


@contextmanager
def open_services(options: Options, folder: Path) -> Iterator[Services]:
    """Start all services but the Procfile's processes. Sets this process's environment."""
    with ExitStack() as stack:
        reaper = stack.enter_context(Reaper())
        url = _serve_sandbox(options, folder, reaper)
        server = stack.enter_context(postgres()) if options.database is Database.POSTGRESQL else None
        redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
        database_url = f"sqlite:///{folder / 'mirror.db'}" if server is None else server.url
        os.environ.update(_environment(options, url, database_url, redis.url))
        settings = Settings.from_environment()
        engine = create_engine(settings, pool_size=20)
        stack.callback(engine.dispose)
        control = ControlClient(url)
        stack.callback(control.close)
        log = stack.enter_context((folder / "processes.log").open("w"))
        ports = {name: _free_port() for name in (*WORKERS, *RELAYS)}
        processes = stack.enter_context(
            Supervisor(
                _write_procfile(folder, ports),
                environment=os.environ,
                output=log,
                grace=timedelta(seconds=15),
                backoff=Backoff(first=timedelta(seconds=0.3), longest=timedelta(seconds=2)),
            )
        )
        yield Services(
            folder=folder,
            settings=settings,
            engine=engine,
            control=control,
            processes=processes,
            redis=redis,
            postgres=server,
            reaper=reaper,
            metrics_urls=[f"http://127.0.0.1:{port}/metrics" for port in ports.values()],
        )


def _write_procfile(folder: Path, ports: Mapping[str, int]) -> Path:
    """Write the Procfile's commands, with two workers and two relays that serve their numbers at these ports."""
    lines = ["web: cobalt-mirror web"]
    lines += [f"{name}: env WORKER_METRICS_PORT={ports[name]} cobalt-mirror worker" for name in WORKERS]
    lines += [f"{name}: env RELAY_METRICS_PORT={ports[name]} cobalt-mirror relay" for name in RELAYS]
    file = folder / "Procfile"
    file.write_text("\n".join(lines) + "\n")
    return file


def _environment(options: Options, sandbox_url: str, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        **sandbox_environment(sandbox_url, os.environ),
        "DATABASE_URL": database_url,
        "LOG_LEVEL": "debug",
        "METRICS_TOKEN": secrets.token_urlsafe(),
        "MIRROR_SCHEMA": "cobalt_mirror",
        "MIRROR_SECRET_KEYS": Fernet.generate_key().decode(),
        "REDIS_URL": redis_url,
        "WEB_HOST": "127.0.0.1",
        "WEB_PORT": str(_free_port()),
        "WORKER_PROCESSES": str(WORKER_PROCESSES),
        "COBALT_PROCESSES": str(2 * WORKER_PROCESSES + 1),  # two workers, and a reconciliation
        "WORKER_THREADS": str(WORKER_THREADS),
        "COBALT_RATE_PER_SECOND": f"{options.limit:g}",
        "COBALT_BURST": str(options.burst),
        # Short, so that leases are short and many are lost; and failures are tried again within the run.
        "COBALT_TIMEOUT_SECONDS": f"{options.timeout:g}",
        "DELAYED_WRITE_SECONDS": f"{LATEST_EFFECT_SECONDS + 2:g}",
        "RETRY_BASE_SECONDS": "0.5",
        "RETRY_CAP_SECONDS": "10",
    }


def _serve_sandbox(options: Options, folder: Path, reaper: Reaper) -> str:
    """Start a sandbox in its own process, with notifications lost, duplicated, late and out of order."""
    settings = {
        "rate_per_second": options.limit,
        "rate_burst": options.burst,
        "token_renewals": _TOKEN_RENEWALS if options.rates.renewals else 0.0,
        "stale_reads": options.stale,
        "notifications_lost": 0.2,
        "notifications_duplicated": 0.2,
        "notifications_delay_seconds": 0.2,
        "notifications_shuffle_seconds": 4,
    }
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    file = folder / "sandbox.log"
    with file.open("wb") as log:
        command = [
            str(COMMAND),
            "sandbox",
            "--in-memory",
            "--quiet",
            "--port",
            "0",
            "--seed",
            str(options.seed),
            *words,
        ]
        process = reaper.spawn(command, environment={**os.environ, "PYTHONUNBUFFERED": "1"}, output=log)
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        match = re.search(r"http://\S+?(?=;)", file.read_text())
        if match is not None:
            return match[0]
        time.sleep(0.05)
    raise RuntimeError(f"the sandbox did not start: {file.read_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
