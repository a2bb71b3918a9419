"""`cobalt-mirror pause`: stop a part of the work, or all of it, until it is resumed."""

from datetime import timedelta
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.workers.cli.values import age, chosen_scope, stated_reason
from cobalt_mirror.workers.ops.operator_name import find_operator
from cobalt_mirror.workers.ops.pausing import is_unknown, pause_work
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.words import cell


def pause(
    *,
    everything: Annotated[
        bool, typer.Option("--everything", help="All events but deletions, and all rereads.")
    ] = False,
    type_: Annotated[str | None, typer.Option("--type", help="Events of this type, such as config_changed.")] = None,
    application: Annotated[str | None, typer.Option(help="Events and rereads of this application.")] = None,
    account: Annotated[str | None, typer.Option(help="Events and rereads of this account.")] = None,
    reconciliation: Annotated[bool, typer.Option("--reconciliation", help="Runs of `reconcile`.")] = False,
    until: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="TIME", help="Time after which it goes on by itself, such as 2h."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(parser=stated_reason, metavar="TEXT", help="Reason, shown by `status`.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name, for `status`; default: the user of this machine.")] = None,
) -> None:
    """Stop a part of the work, or all of it, until `resume`.

    Attempts that are under way finish. Hosts go on publishing, and nothing is lost: paused events wait, and are carried
    out afterwards in their order. Deletions (user_deleted) go on, unless you pause that type. `status` shows what is
    paused. Pausing something again replaces its time and reason.

    \b
    Examples:
      cobalt-mirror pause --application slack --until 2h --why "Slack is down"
      cobalt-mirror pause --everything --why "Cobalt maintenance"
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
    if until is not None and not until:
        raise typer.BadParameter("--until must be longer than 0s; leave it out to pause until `resume`")
    engine = create_engine(ready_for_database())
    try:
        paused = pause_work(engine, scope, name, lasts=until, why=why, by=find_operator(by))
        if is_unknown(engine, scope, name):
            typer.echo(
                f"warning: neither the catalogue nor the mirror has an application {name}; it is paused all the same",
                err=True,
            )
    finally:
        engine.dispose()
    typer.echo(f"paused {cell(paused.described())}")
