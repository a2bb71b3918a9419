"""`cobalt-mirror resume`: let go on what was paused."""

from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.workers.cli.values import chosen_scope
from cobalt_mirror.workers.ops.pausing import resume_work
from cobalt_mirror.workers.ops.readiness import ready_for_database


def resume(
    *,
    everything: Annotated[bool, typer.Option("--everything", help="What `pause --everything` stopped.")] = False,
    type_: Annotated[str | None, typer.Option("--type", help="Events of this type.")] = None,
    application: Annotated[str | None, typer.Option(help="Events and rereads of this application.")] = None,
    account: Annotated[str | None, typer.Option(help="Events and rereads of this account.")] = None,
    reconciliation: Annotated[bool, typer.Option("--reconciliation", help="Runs of `reconcile`.")] = False,
) -> None:
    """Let go on what was paused.

    Workers take it up within seconds. Other pauses stay: what two pauses stop goes on when both have ended. Exits with
    1 if it was not paused.

    \b
    Example:
      cobalt-mirror resume --application slack
    """
    scope, name = chosen_scope(
        {
            PauseScope.EVERYTHING: everything,
            PauseScope.TYPE: type_,
            PauseScope.APPLICATION: application,
            PauseScope.ACCOUNT: account,
            PauseScope.RECONCILIATION: reconciliation,
        }
    )
    engine = create_engine(ready_for_database())
    try:
        ended = resume_work(engine, scope, name)
    finally:
        engine.dispose()
    what = scope.value if name is None else f"{scope} {name}"
    if ended is None:
        typer.echo(f"cobalt-mirror: {what} is not paused; `cobalt-mirror status` lists what is", err=True)
        raise typer.Exit(1)
    typer.echo(f"resumed {what}")
