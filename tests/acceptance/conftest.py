"""A folder in which a demo is run, looking as a clone does before it."""

from pathlib import Path

import pytest

from tests.commands import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty folder, in which nothing is set."""
    return Shell(tmp_path, {})
