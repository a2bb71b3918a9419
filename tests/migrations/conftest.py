"""The command line, run on a database of the test's own."""

from pathlib import Path

import pytest

from tests.commands import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder without settings; give `DATABASE_URL` with each command."""
    return Shell(tmp_path, {})
