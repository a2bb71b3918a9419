"""What is installed from a wheel brings its migrations and its Procfile, and nothing that is only for developers."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from db.migrate import check_migrated
from db.settings import DatabaseSettings
from tests.migrations.processes import ROOT, run_python

PACKAGES = {"cobalt", "db", "events", "workers"}

#: Runs the command as its entry point does, and says where the code came from.
COMMAND = """
import sys
import db
from workers.cli import main
from workers.procfile import find_procfile

print(db.__file__)
print(find_procfile())
sys.argv = ["cobalt-mirror", "migrate"]
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run_python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), folder=ROOT)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


def test_it_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert {name.partition("/")[0] for name in names} == PACKAGES
    assert names >= {
        "cobalt/sandbox/catalogue.toml",
        "db/migrations/env.py",
        "db/migrations/versions/0001_the_journey.py",
        "workers/Procfile",
        *(f"{package}/py.typed" for package in ("cobalt", "db", "events")),
    }
    versions = {path.name for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert {name.rpartition("/")[2] for name in names if name.startswith("db/migrations/versions/")} == versions
    assert not [name for name in names if "test" in name or "__pycache__" in name]


def test_what_it_installs_migrates_a_database(wheel: Path, tmp_path: Path, database_url: str) -> None:
    installed = tmp_path / "site-packages"
    with ZipFile(wheel) as archive:  # a wheel without compiled code is installed by unpacking it
        archive.extractall(installed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    ended = run_python("-c", COMMAND, folder=elsewhere, DATABASE_URL=database_url, PYTHONPATH=installed)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[:2] == [
        str(installed / "db" / "__init__.py"),
        str(installed / "workers" / "Procfile"),
    ]
    check_migrated(DatabaseSettings(database_url=database_url))
