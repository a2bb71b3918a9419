"""The Makefile has every command that a document names, and `make test` ends as its parts did."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`make ([a-z]+)|^make ([a-z]+)$", re.MULTILINE)


def test_make_has_every_command_that_a_document_names() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    named = {first or second for page in pages for first, second in NAMED.findall(page.read_text())}
    helped = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert named >= {"demo", "test", "chaos", "fuzz", "bench"}
    assert named <= set(re.findall(r"^  make ([a-z]+)", helped, re.MULTILINE))
    for target in sorted(named):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("failing", [None, "pytest", "ruff", "mypy", "lint-imports"])
def test_make_test_fails_exactly_when_a_part_of_it_fails(tmp_path: Path, failing: str | None) -> None:
    for name in ("pytest", "ruff", "mypy", "lint-imports"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho {name} ran\nexit {int(name == failing)}\n")
        tool.chmod(0o755)
    stamp = tmp_path / ".installed"
    stamp.touch()
    command = ["make", "test", f"BIN={tmp_path}", f"STAMP={stamp}", f"LOCK={tmp_path / 'pytest'}"]

    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert (ended.returncode == 0) == (failing is None), ended.stdout + ended.stderr
    assert "pytest ran" in ended.stdout
    assert f"{failing or 'lint-imports'} ran" in ended.stdout
