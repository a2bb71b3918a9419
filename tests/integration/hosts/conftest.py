"""Hosts with our package installed as docs/hosting.md says: with libraries of 2024, the newest, and the fewest."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hosts.environments import Environment, kept_environment
from tests.pages import ROOT
from tests.wheel import build_wheel

#: The frameworks and drivers of a host that was last updated in 2024. Our own lower bounds are added to them.
PINS = (
    "a2wsgi==1.10.4",
    "aiosqlite==0.19.0",
    "alembic==1.13.1",
    "asyncpg==0.29.0",
    "django==4.2.16",
    "fastapi==0.115.6",
    "flask==3.0.3",
    "flask-sqlalchemy==3.1.1",
    "greenlet==3.0.0",
    "pg8000==1.30.3",
    "psycopg[binary]==3.1.18",
    "psycopg2-binary==2.9.9",
)
DRIVERS = ("aiosqlite", "asyncpg", "django", "greenlet", "pg8000", "psycopg[binary]", "psycopg2-binary")


def project() -> dict[str, Any]:
    """Return what pyproject.toml says of our package."""
    declared: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return declared


def lower_bounds() -> list[str]:
    """Return the oldest version of each library that a host needs, also for session tokens and the page to mount."""
    extras = project()["optional-dependencies"]
    needed = [*project()["dependencies"], *extras["client"], *extras["page"]]
    needed.remove("cobalt-mirror[client]")
    return [re.sub(r"^([\w-]+)>=([\d.]+).*$", r"\1==\2", each) for each in needed]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our package."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def without_us() -> Environment:
    """A host of 2024 before our package is installed. Not to be changed."""
    if sys.version_info >= (3, 13):
        pytest.skip("the oldest libraries that we take have no wheels for Python 3.13; 3.11 and 3.12 run this test")
    return kept_environment("of-2024", [*PINS, *lower_bounds()])


@pytest.fixture(scope="session")
def oldest(without_us: Environment, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The same host, with our package."""
    environment = without_us.copy_to(tmp_path_factory.mktemp("oldest") / "venv")
    environment.install(f"{wheel}[page]")
    return environment


@pytest.fixture(scope="session")
def newest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A new host, with the newest of what our package needs."""
    names = [bound.partition("==")[0] for bound in lower_bounds()]
    kept = kept_environment("newest", sorted({*DRIVERS, *names}))
    environment = kept.copy_to(tmp_path_factory.mktemp("newest") / "venv")
    environment.install(f"{wheel}[page]")
    return environment


@pytest.fixture(scope="session")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A host with our package without an extra, and with nothing else."""
    kept = kept_environment("plain", project()["dependencies"])
    environment = kept.copy_to(tmp_path_factory.mktemp("plain") / "venv")
    environment.install(str(wheel))
    return environment


@pytest.fixture(params=["oldest", "newest"])
def host(request: pytest.FixtureRequest) -> Environment:
    """A host with the oldest and a host with the newest libraries."""
    environment: Environment = request.getfixturevalue(request.param)
    return environment
