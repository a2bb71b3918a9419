"""The command line, `cobalt-mirror`: its entry point, and one sentence for every error."""

import os
import sys
import traceback

import typer

from cobalt_mirror.workers.cli.app import app
from cobalt_mirror.workers.ops.readiness import find_newer_schema
from cobalt_mirror.workers.terminal.failures import describe, is_expected


def main() -> None:
    """Run one command. An error prints one sentence and exits with 1; the traceback of a bug is for LOG_LEVEL=debug."""
    try:
        app(prog_name="cobalt-mirror")
    except Exception as error:
        if not is_expected(error) and os.environ.get("LOG_LEVEL", "").strip().lower() == "debug":
            traceback.print_exc()
        typer.echo(f"cobalt-mirror: {describe(error, newer_schema=find_newer_schema(error))}", err=True)
        sys.exit(1)
