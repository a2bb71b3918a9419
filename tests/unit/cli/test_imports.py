"""A command loads what it needs and no more: each library here costs a tenth of a second of processor time or more."""

from pathlib import Path

import pytest

from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from tests.unit.test_import_name import modules_after

RUN = """
import sys
from cobalt_mirror.workers.cli import main

sys.argv = {arguments!r}
try:
    main()
except SystemExit as ended:
    assert ended.code in (None, 0, 2, 3), ended.code  # 2 and 3: nothing runs here
print()
print(*sorted(sys.modules))
"""
#: What only services and the reconciliation need.
SERVICES = {
    "alembic",
    "cobalt_mirror.cobalt",
    "dramatiq",
    "httpx",
    "prometheus_client",
    "redis",
    "starlette",
    "structlog",
    "uvicorn",
}
HTTP = SERVICES - {"cobalt_mirror.cobalt"}
EVERYTHING = {*SERVICES, "cobalt_mirror.db", "cryptography", "psycopg", "pydantic", "rich.console", "sqlalchemy"}

#: What each command does not load.
UNLOADED = {
    "--help": EVERYTHING,
    "publish --help": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
    "publish user_signed_up acme": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
    "status": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
    "show acme": {*SERVICES, "psycopg", "sqlalchemy.orm"},
    "explain acme": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "prune --dry-run": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "migrate": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
    "worker --help": {"alembic", "dramatiq", "httpx", "prometheus_client", "starlette", "uvicorn"},
    "relay --help": EVERYTHING - {"pydantic"},
    "web --help": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
    "doctor --help": EVERYTHING - {"pydantic"},
    "reconcile --help": {*HTTP, "psycopg", "sqlalchemy.orm"} - {"structlog"},
    "up --help": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "demo --help": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "webhook ensure --help": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "sandbox --help": {*SERVICES, "psycopg", "rich.console", "sqlalchemy.orm"},
}
#: What each does not load that has a key, and might ask Cobalt.
UNLOADED_WITH_KEY = {
    "status --offline": {*HTTP, "psycopg", "rich.console", "sqlalchemy.orm"},
    "doctor --offline": EVERYTHING
    - {"cobalt_mirror.cobalt", "cobalt_mirror.db", "cryptography", "pydantic", "redis", "sqlalchemy"},
    "status": {
        "alembic",
        "click",
        "dramatiq",
        "prometheus_client",
        "pygments",
        "redis",
        "rich",
        "starlette",
        "structlog",
    },
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('mirror') / 'mirror.db'}"
    upgrade(DatabaseSettings(database_url=url))
    return url


@pytest.fixture(autouse=True)
def mirror(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.delenv("COBALT_API_KEY", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def loaded_by(command: str) -> set[str]:
    return modules_after(RUN.format(arguments=["cobalt-mirror", *command.split()]))


@pytest.mark.parametrize("command", UNLOADED)
def test_a_command_loads_only_what_it_needs(command: str) -> None:
    if command.startswith(("explain", "show")):
        loaded_by("publish user_signed_up acme")

    loaded = loaded_by(command)

    assert "cobalt_mirror.workers.cli.app" in loaded
    assert UNLOADED[command] & loaded == set()


@pytest.mark.parametrize("command", UNLOADED_WITH_KEY)
def test_a_command_with_a_key_loads_only_what_it_needs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COBALT_API_KEY", "tk_test")
    monkeypatch.setenv("COBALT_BASE_URL", "http://127.0.0.1:9")  # nothing answers there

    loaded = loaded_by(command)

    assert ("httpx" in loaded) is ("--offline" not in command)
    assert UNLOADED_WITH_KEY[command] & loaded == set()


def test_no_collection_looks_through_what_was_imported() -> None:
    program = """
import gc, sys
from cobalt_mirror_command import main

sys.argv = ["cobalt-mirror", "status", "--help"]
try:
    main()
finally:
    print("collecting" if gc.isenabled() else "", gc.get_freeze_count() > 10_000)
"""
    assert {"collecting", "True"} <= modules_after(program)


def test_web_in_a_host_needs_no_library_of_the_command_line() -> None:
    assert "typer" not in modules_after("import sys, cobalt_mirror.workers.web\nprint(*sys.modules)")
