"""`cobalt-mirror up`: run everything that a mirror needs on this machine, until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer

from cobalt_mirror.workers.cli.values import SANDBOX_PORT


def up(
    with_sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Run the sandbox in place of Cobalt; it keeps its data.")
    ] = False,
    sandbox_port: Annotated[int, typer.Option(help="Port of the sandbox; 0 for a free one.", min=0, max=65_535)] = (
        SANDBOX_PORT
    ),
    catalogue: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with the sandbox's applications; default: its own.")
    ] = None,
    procfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Procfile with what runs; default: worker, relay and web.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with an empty sandbox; the mirror stays.")] = False,
) -> None:
    """Run everything on this machine until Ctrl-C.

    Migrates, then runs worker, relay and web, or what a Procfile of yours has; run reconcile yourself. Without
    DATABASE_URL the mirror is a SQLite file, var/mirror.db; without REDIS_URL a Redis is started, with its data in
    var/redis; both are below the working directory. The sandbox sends its notifications to web; for the real Cobalt see
    `cobalt-mirror webhook --help`. It keeps its data in sandbox.json beside the SQLite file (with PostgreSQL: in var/).

    \b
    Example:
      cobalt-mirror up --sandbox
    """
    if (fresh or catalogue is not None) and not with_sandbox:
        raise typer.BadParameter("--fresh and --catalogue are for the sandbox; add --sandbox")
    from cobalt_mirror.workers.cli.up_everything import run_everything  # noqa: PLC0415 - `--help` does not wait for it

    run_everything(
        with_sandbox=with_sandbox, sandbox_port=sandbox_port, catalogue=catalogue, procfile=procfile, fresh=fresh
    )
