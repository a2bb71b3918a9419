"""The command line, `cobalt-mirror`: its door, and what it says when something foreseen goes wrong."""

import sys

import typer

from cobalt_mirror.workers.cli.app import app
from cobalt_mirror.workers.terminal.failures import FORESEEN, describe


def main() -> None:
    """Run one command. Foreseen trouble ends in one sentence and status 1; a bug keeps its traceback."""
    try:
        app(prog_name="cobalt-mirror")
    except FORESEEN as error:
        typer.echo(f"cobalt-mirror: {describe(error)}", err=True)
        sys.exit(1)
