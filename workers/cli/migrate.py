"""`cobalt-mirror migrate`: create or update the tables of the mirror."""

import math
from typing import Annotated

import typer

from cobalt_mirror.db.migrating.patience import Patience
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.workers.settings import Settings

_PATIENCE = Patience()


def migrate(
    lock_timeout: Annotated[
        float,
        typer.Option(min=0.1, max=3600, help="Seconds to wait for a lock; queries of the host may wait as long."),
    ] = _PATIENCE.lock,
    tries: Annotated[int, typer.Option(min=1, max=10_000, help="Number of tries to get the lock.")] = _PATIENCE.tries,
) -> None:
    """Create or update the tables of the mirror. Run it before every start.

    Running it again is safe.

    On PostgreSQL it does not block your application for long: if another transaction keeps a lock, it exits with 1 and
    names that transaction.

    \b
    Example:
      DATABASE_URL=postgresql://app@db/app cobalt-mirror migrate
    """
    if math.isnan(lock_timeout):  # neither below the minimum nor above the maximum
        raise typer.BadParameter("--lock-timeout must be a number of seconds")
    settings = Settings.from_environment()
    upgrade(settings, Patience(lock=lock_timeout, tries=tries))
    typer.echo(f"the database at {settings.shown_url()} is up to date")
