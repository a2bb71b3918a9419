"""The stores of benchmarks: empty migrated databases and a Redis, removed afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from tests.services import postgres_server

POSTGRESQL = "PostgreSQL"
SQLITE = "SQLite"
DATABASES = (POSTGRESQL, SQLITE)
#: In place of a database: for benchmarks that use none, or choose theirs themselves.
EITHER = ""

#: A function that prints progress.
Say = Callable[[str], None]


@contextmanager
def migrated_database(kind: str) -> Iterator[str]:
    """Create an empty database with our tables, yield its URL, and remove it afterwards."""
    with _empty_database(kind) as url:
        upgrade(DatabaseSettings(database_url=url))
        yield url


@contextmanager
def _empty_database(kind: str) -> Iterator[str]:
    if kind == SQLITE:
        with TemporaryDirectory(prefix="cobalt-mirror-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'mirror.db'}"
    else:
        with postgres_server() as server, server.database() as url:
            yield url


@contextmanager
def own_redis() -> Iterator[EmbeddedRedis]:
    """Start an empty Redis, yield its URL, and remove it afterwards."""
    with TemporaryDirectory(prefix="cobalt-mirror-bench-") as folder, EmbeddedRedis(Path(folder)) as server:
        yield server
