"""An installed wheel brings its migrations and its Procfile, and takes one name in the host's environment."""

import sysconfig
from pathlib import Path
from subprocess import CompletedProcess
from zipfile import ZipFile

import pytest

from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.db.settings import DatabaseSettings
from tests.migrations.processes import ROOT, run_python
from tests.wheel import build_wheel

#: Runs the command as its entry point does, and says where the code came from.
MIGRATE = """
import sys
from cobalt_mirror import db
from cobalt_mirror.workers.cli import main
from cobalt_mirror.workers.local.procfile import find_procfile

print(db.__file__)
print(find_procfile())
sys.argv = ["cobalt-mirror", "migrate"]
main()
"""

#: A library whose dependency is called `events`.
BESIDE_A_LIBRARY = """
from opensearchpy.metrics import MetricsEvents
from cobalt_mirror import UserSignedUp, publish

MetricsEvents().request_start()
print(publish(UserSignedUp("acme")).is_new)
"""

#: A host's own modules, with names that our folders have in the repository.
OWN_MODULES = {
    "db.py": "engine = 'my engine'",
    "events.py": "class UserSignedUp: mine = True",
    "cobalt.py": "blue = True",
    "workers/__init__.py": "",
    "workers/settings.py": "broker = 'my broker'",
}
BESIDE_AN_APP = """
import cobalt, db, events, workers.settings
from sqlalchemy.orm import Session
from cobalt_mirror import UserSignedUp, integrations, publish
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers import main as dramatiq_imports_this
from cobalt_mirror.workers.cli import main

print(db.engine, events.UserSignedUp.mine, cobalt.blue, workers.settings.broker)
with Session(create_engine(DatabaseSettings.from_environment())) as session:
    print(publish(UserSignedUp("acme"), session).is_new, integrations(session, "acme"))
"""

PLAIN_NAMES = """
from importlib.util import find_spec

print([name for name in ("cobalt", "db", "events", "workers", "tests", "benchmarks") if find_spec(name)])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without a network."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is installed: one without compiled code is unpacked."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(installed: Path, program: str, *, app: Path, **variables: str) -> CompletedProcess[str]:
    """Run a host's program in an environment that has the wheel and its dependencies, and no path to this checkout."""
    path = ":".join([str(app), str(installed), sysconfig.get_path("platlib"), sysconfig.get_path("purelib")])
    script = app / "program.py"
    script.write_text(program)
    return run_python("-S", str(script), folder=app, PYTHONPATH=path, **variables)


def test_it_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert {name.partition("/")[0] for name in names} == {"cobalt_mirror", "cobalt_mirror_command.py"}
    assert names >= {
        "cobalt_mirror/__init__.py",
        "cobalt_mirror/py.typed",
        "cobalt_mirror/cobalt/sandbox/catalogue.toml",
        "cobalt_mirror/db/migrations/env.py",
        "cobalt_mirror/workers/local/Procfile",
        "cobalt_mirror/workers/web/page/static/page.js",
        "cobalt_mirror/workers/web/page/static/vendor/LICENSE",
        "cobalt_mirror/workers/web/page/static/vendor/cobalt.js",
        "cobalt_mirror/workers/web/page/templates/page.html",
    }
    versions = {path.name for path in (ROOT / "alembic" / "versions").glob("*.py")}
    packed = {name.rpartition("/")[2] for name in names if name.startswith("cobalt_mirror/db/migrations/versions/")}
    assert packed == versions
    assert not [name for name in names if "test" in name or "__pycache__" in name]


def test_what_it_installs_migrates_a_database(installed: Path, tmp_path: Path, database_url: str) -> None:
    ended = run_installed(installed, MIGRATE, app=tmp_path, DATABASE_URL=database_url)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[:2] == [
        str(installed / "cobalt_mirror" / "db" / "__init__.py"),
        str(installed / "cobalt_mirror" / "workers" / "local" / "Procfile"),
    ]
    check_migrated(DatabaseSettings(database_url=database_url))


def test_nothing_of_ours_has_a_plain_name(installed: Path, tmp_path: Path) -> None:
    ended = run_installed(installed, PLAIN_NAMES, app=tmp_path)

    assert ended.stdout == "['events']\n", ended.stderr  # which is opensearch-py's


def test_it_works_beside_a_library_that_needs_the_name_events(installed: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    assert run_installed(installed, MIGRATE, app=tmp_path, DATABASE_URL=url).returncode == 0

    ended = run_installed(installed, BESIDE_A_LIBRARY, app=tmp_path, DATABASE_URL=url)

    assert ended.stdout == "True\n", ended.stderr


def test_it_works_in_an_app_that_has_modules_of_our_folders_names(installed: Path, tmp_path: Path) -> None:
    for name, text in OWN_MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    assert run_installed(installed, MIGRATE, app=tmp_path, DATABASE_URL=url).returncode == 0

    ended = run_installed(installed, BESIDE_AN_APP, app=tmp_path, DATABASE_URL=url)

    assert ended.stdout == "my engine True True my broker\nTrue []\n", ended.stderr
