"""`cobalt-mirror demo`: run simulated customers against real processes, then compare the mirror with the sandbox."""

from typing import Annotated

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cobalt_mirror.workers.terminal.failures import describe, is_expected
from cobalt_mirror.workers.terminal.signals import exit_on_signal


def demo(
    customers: Annotated[int, typer.Option(help="Number of customers.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Seed for the customers' choices.")] = 0,
    database_url: Annotated[
        str | None,
        typer.Option(help="PostgreSQL to use instead of SQLite; the demo's schema in it is dropped at the end."),
    ] = None,
) -> None:
    """Run simulated customers, then compare the mirror with Cobalt.

    Starts a real Redis, a SQLite database, the Procfile's processes and the sandbox with Cobalt's limit of 20 calls a
    second, in a folder below var/ that is deleted at the end. Exits with 1 if the mirror differs from the sandbox.

    \b
    Example:
      cobalt-mirror demo --customers 20
    """
    from cobalt_mirror.workers.demo.run import run_demo  # noqa: PLC0415 - `--help` does not wait for it
    from cobalt_mirror.workers.demo.services import open_services  # noqa: PLC0415

    if database_url is not None:
        _check_postgresql(database_url)
    with exit_on_signal():
        try:
            with open_services(database_url, seed=seed) as services:
                agrees = run_demo(services, customers=customers, seed=seed)
        except Exception as error:
            if not is_expected(error):
                raise
            for note in getattr(error, "__notes__", ()):
                typer.echo(note, err=True)
            typer.echo(f"cobalt-mirror: {describe(error)}", err=True)
            raise typer.Exit(1) from error
    if not agrees:
        raise typer.Exit(1)


def _check_postgresql(database_url: str) -> None:
    try:
        is_postgresql = make_url(database_url).drivername.startswith("postgres")
    except ArgumentError:
        is_postgresql = False
    if not is_postgresql:
        raise typer.BadParameter("--database-url: expected postgresql://...; leave it out to use SQLite")
