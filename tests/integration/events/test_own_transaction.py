"""Without a session publish() brings a transaction of its own, on the database that the environment names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.integration.events.rows import Log
from tests.world import TEST_KEY

PUBLISH = """
from cobalt_mirror.events import ConnectionAuthorized, UserSignedUp, publish, publish_many

print(publish(UserSignedUp("acme", auth_credentials={"token": "t"}, id="1")).is_new)
print(*(receipt.is_new for receipt in publish_many([UserSignedUp("acme", id="2"), UserSignedUp("acme", id="3")])))
"""
CONFLICT = """
from cobalt_mirror.events import IdConflict, UserSignedUp, publish, publish_many

publish(UserSignedUp("acme", id="1"))
try:
    publish_many([UserSignedUp("acme", id="0"), UserSignedUp("other", id="1"), UserSignedUp("acme", id="2")])
except IdConflict as conflict:
    print(conflict)
publish(UserSignedUp("acme", id="3"))
"""
FORK = """
import os
from cobalt_mirror.events import UserSignedUp, publish

publish(UserSignedUp("acme", id="parent"))
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        for turn in range(20):
            publish(UserSignedUp("acme", id=f"{number} {turn:02}"))
        os._exit(0)
    children.append(child)
for turn in range(20):
    publish(UserSignedUp("acme", id=f"parent {turn:02}"))
print(*(os.waitpid(child, 0)[1] for child in children))
"""


def run(script: str, folder: Path, url: str, **variables: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_URL", "MIRROR_"))}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**inherited, "DATABASE_URL": url, "MIRROR_SECRET_KEYS": TEST_KEY, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture
def short_url(migrated_url: str) -> str:
    """The address as hosting companies write it."""
    return migrated_url.replace("postgresql+psycopg://", "postgres://")


def test_it_is_committed_before_publish_returns(short_url: str, tmp_path: Path, log: Log) -> None:
    assert run(PUBLISH, tmp_path, short_url) == ["True", "True True"]
    assert run(PUBLISH, tmp_path, short_url) == ["False", "False False"]

    assert log.ids() == ["1", "2", "3"]


def test_all_or_none_of_many_is_written(short_url: str, tmp_path: Path, log: Log) -> None:
    (said,) = run(CONFLICT, tmp_path, short_url)

    assert said.startswith("id: the event log has a different event with id '1' of source 'host'")
    assert log.ids() == ["1", "3"]


def test_a_server_that_forks_after_the_first_event_publishes_on_in_every_process(
    short_url: str, tmp_path: Path, log: Log
) -> None:
    assert run(FORK, tmp_path, short_url) == ["0 0 0"]

    assert len(log.ids()) == 81


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_relative_sqlite_file_is_below_the_working_directory(tmp_path: Path, log: Log) -> None:
    file = make_url(str(log.engine.url)).database or ""

    assert run(PUBLISH, Path(file).parent, f"sqlite:///{Path(file).name}") == ["True", "True True"]
    assert log.ids() == ["1", "2", "3"]
