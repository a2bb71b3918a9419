"""The services of a demo: real ones, started for it and removed after it, in every case."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy import Engine

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.governor import Governor
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer, SandboxSettings
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.errors import NotMigrated
from cobalt_mirror.db.migrating.upgrade import drop_schema
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.workers.clients import create_client, create_governor
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.sandbox import sandbox_environment
from cobalt_mirror.workers.local.supervisor import Supervisor
from cobalt_mirror.workers.redis_clients import create_governor_redis
from cobalt_mirror.workers.settings import Settings

_VAR = Path("var")
#: Share of calls after which Cobalt renews a provider's token: far more often than tokens expire.
_TOKEN_RENEWALS = 0.05
#: What must hear nothing of customers who do not exist, and ports that may be taken. Empty is as good as not set.
_OF_THE_OPERATOR = (
    "HANDLERS_MODULE",
    "NOTICES_ENDPOINTS",
    "NOTICES_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "RELAY_METRICS_PORT",
    "SENTRY_DSN",
    "WORKER_METRICS_PORT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoServices:
    """The database, the sandbox, a client and the governor of the shared rate limit, and the log of the processes."""

    engine: Engine
    sandbox: Sandbox
    client: Client
    governor: Governor | None
    log: Path

    def last_log_lines(self, lines: int = 30) -> str:
        """Return the last lines of the processes' log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


@contextmanager
def open_services(database_url: str | None, *, seed: int) -> Iterator[DemoServices]:
    """Start the Procfile's processes with a Redis, a database and a sandbox of their own.

    Sets this process's environment, because `publish` reads its settings from it.

    Args:
        database_url: A PostgreSQL, in which the demo has a schema until it ends; None for SQLite.
        seed: Seed for the sandbox's ids.

    Raises:
        Unreachable: The database does not answer.
        AccessRefused: The database refuses the connection.
        RedisNotStarted: There is no redis-server.
        CommandFailed: The migrations failed; the note holds the end of their output.
    """
    with ExitStack() as stack:
        directory = _make_directory(stack)
        sandbox = Sandbox(seed=seed, settings=SandboxSettings(token_renewals=_TOKEN_RENEWALS))
        server = stack.enter_context(SandboxServer(sandbox))
        redis_url = stack.enter_context(EmbeddedRedis(directory / "redis")).url
        os.environ.update(_environment(directory, database_url, server.url, redis_url))
        settings = Settings.from_environment()
        engine = _open_database(stack, settings)
        log = directory / "processes.log"
        output = stack.enter_context(log.open("w"))
        processes = stack.enter_context(
            Supervisor(find_procfile(), environment=os.environ, output=output, grace=timedelta(seconds=10))
        )
        redis = stack.enter_context(create_governor_redis(settings))
        governor = create_governor(redis, settings)
        client = stack.enter_context(create_client(settings, governor=governor))
        services = DemoServices(engine=engine, sandbox=sandbox, client=client, governor=governor, log=log)
        try:
            processes.run_first()
            processes.start()
            yield services
        except Exception as error:
            error.add_note(services.last_log_lines())
            raise


def _make_directory(stack: ExitStack) -> Path:
    if not _VAR.exists():
        _VAR.mkdir()
        stack.callback(_remove_if_empty, _VAR)
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=_VAR))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _remove_if_empty(directory: Path) -> None:
    with suppress(OSError):
        directory.rmdir()


def _environment(directory: Path, database_url: str | None, sandbox_url: str, redis_url: str) -> dict[str, str]:
    return {
        **{name: "" for name in os.environ if name.upper() in _OF_THE_OPERATOR},  # settings are read in any case
        **sandbox_environment(sandbox_url, os.environ),
        "DATABASE_URL": database_url or f"sqlite:///{(directory / 'mirror.db').absolute()}",
        "MIRROR_SCHEMA": f"cobalt_mirror_demo_{secrets.token_hex(4)}",
        "MIRROR_SECRET_KEYS": Fernet.generate_key().decode(),
        "REDIS_URL": redis_url,
        "WEB_PORT": "0",
        "LOG_LEVEL": "warning",
        "COBALT_RATE_PER_SECOND": "20",
        "COBALT_BURST": "5",
        # No write reaches this sandbox late, so a read after a lost answer need not wait for a minute.
        "DELAYED_WRITE_SECONDS": "3",
    }


def _open_database(stack: ExitStack, settings: Settings) -> Engine:
    with suppress(NotMigrated):
        check_migrated(settings)
    engine = create_engine(settings, pool_size=20)
    stack.callback(engine.dispose)
    if engine.dialect.name != "sqlite":
        stack.callback(drop_schema, engine, settings.mirror_schema)
    return engine
