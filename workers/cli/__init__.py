"""The command line, `cobalt-mirror`: its entry point, and one sentence for every expected error."""

import sys

import typer

from cobalt_mirror.workers.cli.app import app
from cobalt_mirror.workers.terminal.failures import EXPECTED_ERRORS, describe


def main() -> None:
    """Run one command. An expected error prints one sentence and exits with 1; a bug keeps its traceback."""
    try:
        app(prog_name="cobalt-mirror")
    except EXPECTED_ERRORS as error:
        typer.echo(f"cobalt-mirror: {describe(error)}", err=True)
        sys.exit(1)
