"""`cobalt-mirror demo`: customers go through the flow on real parts; then mirror and truth are compared."""

from typing import Annotated

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cobalt_mirror.workers.demo.place import open_place
from cobalt_mirror.workers.demo.run import run_demo
from cobalt_mirror.workers.terminal.failures import FORESEEN, describe
from cobalt_mirror.workers.terminal.signals import orderly_end


def demo(
    customers: Annotated[int, typer.Option(help="How many customers go through the flow.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of what they click.")] = 0,
    database_url: Annotated[
        str | None, typer.Option(help="A PostgreSQL to use; in it, a schema that is dropped at the end.")
    ] = None,
) -> None:
    """Watch customers go through the whole flow, then compare.

    A real Redis, a real database (SQLite), the Procfile's processes and the sandbox, with Cobalt's limit of 20 calls
    a second, live in a folder below var/ for as long as this runs. Exits with 1 unless the mirror agrees with Cobalt.

    \b
    Example:
      cobalt-mirror demo --customers 20
    """
    if database_url is not None:
        _check_postgresql(database_url)
    with orderly_end():
        try:
            with open_place(database_url, seed=seed) as place:
                agrees = run_demo(place, customers=customers, seed=seed)
        except FORESEEN as error:
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
        raise typer.BadParameter("--database-url wants postgresql://...; SQLite is what the demo uses without it")
