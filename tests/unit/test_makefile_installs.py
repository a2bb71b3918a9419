"""What `make` says while it makes .venv: something before the installation begins, and something while it goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import in_a_session

ROOT = Path(__file__).parents[2]
#: The tools of the recipe itself. Nothing else is on PATH, so neither a real uv nor a real pip runs.
TOOLS = ("cat", "cp", "grep", "make", "mkdir", "sed", "sh", "touch")
LOCKED = "alembic==1.20.1 \\\n    --hash=sha256:00\nanyio==4.0.0 \\\n    --hash=sha256:11\n"
#: Each call of a stand-in is a line, and the first one that installs something waits for the test.
UV = """#!/bin/sh
echo "| uv $1 $2"
case "$1" in venv) cat go; mkdir .venv ;; esac
"""
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv"*) echo "| python -m venv"; cat begin; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  *"-r requirements/dev.txt"*)
    echo "Collecting alembic==1.20.1 (from -r requirements/dev.txt (line 1))"; cat go
    echo "  Using cached alembic-1.20.1-py3-none-any.whl"
    echo "Collecting anyio==4.0.0"; echo "Installing collected packages: alembic, anyio" ;;
  "-m compileall"*) echo "| python -m compileall"; exit 1 ;;
  *) echo "| pip install ." ;;
esac
"""

pytestmark = pytest.mark.timeout(60)  # a line that does not come is waited for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with a lock file and the tools, in which the stand-ins wait at two pipes."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text(LOCKED)
    for pipe in ("begin", "go"):
        os.mkfifo(tmp_path / pipe)
    return tmp_path


def write_tool(folder: Path, name: str, program: str) -> Path:
    tool = folder / "tools" / name
    tool.write_text(program)
    tool.chmod(0o755)
    return tool


@contextmanager
def make_venv(folder: Path, python: str) -> Iterator["subprocess.Popen[str]"]:
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "venv", f"PYTHON={python}"]
    with in_a_session(command, cwd=folder, env={"PATH": str(folder / "tools")}) as process:
        yield process


def read_lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(number)]


def test_with_uv_a_line_comes_before_the_installation_begins_and_one_before_each_part_of_it(folder: Path) -> None:
    write_tool(folder, "uv", UV)

    with make_venv(folder, "3.11") as making:
        first = read_lines(making, 2)
        (folder / "go").write_text("")
        said, _ = making.communicate()

    assert first == ["installing into .venv with uv", "| uv venv --quiet"]
    assert said.splitlines() == [
        "downloading and unpacking 2 libraries (half a minute to two minutes the first time)",
        "| uv pip install",
        "installing cobalt-mirror itself",
        "| uv pip install",
    ]
    assert making.returncode == 0
    assert (folder / ".venv" / ".installed").exists()


def test_with_pip_a_line_comes_before_the_installation_begins_and_one_for_each_library(folder: Path) -> None:
    python = write_tool(folder, "python3.11", PYTHON)

    with make_venv(folder, str(python)) as making:
        before = read_lines(making, 2)
        (folder / "begin").write_text("")
        at_the_first_library = read_lines(making, 1)
        (folder / "go").write_text("")
        said, _ = making.communicate()

    assert before == [f"installing into .venv with pip ({python})", "| python -m venv"]
    assert at_the_first_library == ["  alembic==1.20.1"]
    assert said.splitlines() == [
        "  anyio==4.0.0",
        "unpacking them",
        "compiling them",
        "| python -m compileall",
        "installing cobalt-mirror itself",
        "| pip install .",
    ]
    assert making.returncode == 0
    assert (folder / ".venv" / ".installed").exists()


def test_without_either_it_says_what_is_needed(folder: Path) -> None:
    with make_venv(folder, "") as making:
        said, _ = making.communicate()

    assert "cobalt-mirror needs Python 3.11 or newer (or uv, which brings one)" in said
    assert making.returncode != 0
