"""A shell to type commands into, with and without a mirror behind it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.db.tables import configs, connections, linked_accounts
from cobalt_mirror.workers.heartbeat import Heartbeat
from tests.commands import Shell
from tests.integration.cli.rows import BECAUSE, add_event


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in which nothing is set."""
    return Shell(tmp_path, {})


@pytest.fixture
def mirror(tmp_path: Path, migrated_sqlite: Path) -> Shell:
    """A shell with a migrated, empty mirror."""
    file = tmp_path / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    return Shell(tmp_path, {"DATABASE_URL": f"sqlite:///{file}"})


@pytest.fixture
def engine(mirror: Shell) -> Engine:
    """The mirror's database."""
    return create_engine(DatabaseSettings(database_url=mirror.variables["DATABASE_URL"]))


@pytest.fixture
def running(engine: Engine) -> Iterator[None]:
    """Heartbeats of all that has to run, for as long as the test takes."""
    heartbeats = [Heartbeat(kind, engine) for kind in (ProcessKind.RELAY, ProcessKind.WORKER)]
    for heartbeat in heartbeats:
        heartbeat.beat()
        heartbeat.start()
    yield
    for heartbeat in heartbeats:
        heartbeat.stop()


@pytest.fixture
def customer(engine: Engine) -> None:
    """A customer with something of everything."""
    key = {"linked_account_id": "acme", "slug": "slack"}
    with engine.begin() as connection:
        account = {"linked_account_id": "acme", "name": "Acme", "udf": {"plan": "pro"}, "status": "active"}
        record_row(connection, linked_accounts, {**account, "environment": "test"}, BECAUSE)
        link = {"auth_type": "oauth2", "status": "active", "identifier": None, "connected_at": None}
        record_row(connection, connections, {**key, "status": "connected", "accounts": [link]}, BECAUSE)
        config = {"fields": {"channel": "alerts"}, "workflows": [], "schema": {}, "field_errors": []}
        config_key = {**key, "config_id": "acme", "connection_id": ""}
        record_row(connection, configs, {**config_key, "status": "installed", **config}, BECAUSE)
    add_event(engine, "1", status="done")
    add_event(engine, "2", last_error="Cobalt is away", attempts=3)
