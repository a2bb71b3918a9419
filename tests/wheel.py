"""The project's wheel, built without a network."""

import subprocess
import sys
from pathlib import Path

from tests.pages import ROOT


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, and return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file
