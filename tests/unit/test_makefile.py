"""Every `make` command that a document names is one that the Makefile has."""

import re
import subprocess
from pathlib import Path

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
