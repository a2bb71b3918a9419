"""Whatever a command meets, a person gets one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.commands import Shell

ROOT = Path(__file__).parents[3]


def sentence(shell: Shell, *command: str) -> str:
    ended = shell.run(*command)
    assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1), ended
    return ended.errors


@pytest.mark.parametrize("command", [["show", "acme"], ["status"]])
def test_a_row_that_cannot_be_read_is_one_sentence_and_a_traceback_for_who_asks(
    mirror: Shell, engine: Engine, command: list[str]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO state (key, value) VALUES ('halted', '{\"reason\": \"by hand\"}')"))

    said = sentence(mirror, *command)
    traced = mirror.run(*command, LOG_LEVEL="debug").errors

    assert said.startswith("cobalt-mirror: an unexpected error, KeyError: 'since' (state.py, line ")
    assert said.endswith("; run it again with LOG_LEVEL=debug for the traceback, and report it\n")
    assert "Traceback" in traced


@pytest.mark.parametrize("command", [["show", "acme"], ["status"], ["publish", "user_signed_up", "acme"]])
def test_with_a_schema_that_is_ahead_the_sentence_says_so(mirror: Shell, engine: Engine, command: list[str]) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE cobalt_mirror_version SET version_num = '9999'"))
        connection.execute(text("DROP VIEW integrations"))
        for table in ("history", "events", "deletions"):
            connection.execute(text(f"DROP TABLE {table}"))

    said = sentence(mirror, *command)

    assert "the database is at version 9999, which this release does not know, so install the newer release" in said


def test_migrate_with_a_schema_that_is_ahead(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE cobalt_mirror_version SET version_num = '9999'"))

    assert "is at version 9999, which this release does not know" in sentence(mirror, "migrate")


@pytest.mark.parametrize("body", ["", "raise RuntimeError('not ours')", "workers = 1"])
def test_a_module_of_our_name_in_pythonpath_is_named(tmp_path: Path, body: str) -> None:
    (tmp_path / "cobalt_mirror.py").write_text(body)

    ended = start(tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"cobalt-mirror: {tmp_path}/cobalt_mirror.py hides the package cobalt_mirror; rename it, "
        "or take its folder out of PYTHONPATH\n"
    )


def test_modules_with_the_names_of_our_folders_do_not_matter(tmp_path: Path) -> None:
    for name in ("workers", "db", "events", "cobalt"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')")

    assert "Usage: cobalt-mirror" in start(tmp_path).stdout


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what the script `cobalt-mirror` runs, with a folder in PYTHONPATH."""
    command = [sys.executable, "-P", "-c", "import cobalt_mirror_command; cobalt_mirror_command.main()", "--help"]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
