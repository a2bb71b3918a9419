"""The application is built without opening anything, and its commands are described."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cobalt_mirror.workers.cli.app import app
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web import create_app


def test_making_the_application_opens_nothing(tmp_path: Path) -> None:
    create_app(Settings(database_url=f"sqlite:///{tmp_path / 'mirror.db'}"))

    assert list(tmp_path.iterdir()) == []


def test_a_host_that_mounts_it_loads_no_broker() -> None:
    program = """import sys, cobalt_mirror
cobalt_mirror.create_app
print([name for name in sys.modules if name.partition(".")[0] == "dramatiq"])
"""

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("command", [["web"], ["webhook", "ensure"]])
def test_its_commands_have_a_help_with_an_example(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"])

    assert shown.exit_code == 0
    assert "cobalt-mirror" in shown.output.partition("Example")[2]


def test_secrets_of_the_doors_are_not_shown() -> None:
    settings = Settings(events_token="s3cret", cobalt_previous_api_key="tk_s3cret")

    assert "s3cret" not in repr(settings)
