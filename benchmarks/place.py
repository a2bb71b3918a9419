"""Where benchmarks take place: empty migrated databases and a Redis of their own, put away afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cobalt_mirror.db.migrate import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from tests.services import postgres_server

POSTGRESQL = "PostgreSQL"
SQLITE = "SQLite"
DATABASES = (POSTGRESQL, SQLITE)
#: Stands where a database is named, for what has to do with none or with all of them.
EITHER = ""

#: How a benchmark says what it is doing.
Say = Callable[[str], None]


@contextmanager
def migrated_database(kind: str) -> Iterator[str]:
    """An empty database with our tables, gone afterwards; its URL."""
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
    """An empty Redis, gone afterwards with its data."""
    with TemporaryDirectory(prefix="cobalt-mirror-bench-") as folder, EmbeddedRedis(Path(folder)) as server:
        yield server
