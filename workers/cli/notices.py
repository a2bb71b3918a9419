"""`cobalt-mirror notices`: list the receivers of notices, enable one again, or forget one."""

from dataclasses import asdict
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.ops.notices import describe_receiver, enable, forget, read_receivers
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.output import print_json, print_line
from cobalt_mirror.workers.terminal.words import count_of

notices = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
Name = Annotated[str, typer.Argument(help="Name of an endpoint or a handler, as `notices list` shows it.")]


@notices.callback()
def _group() -> None:
    """List the receivers of notices, enable one again, or forget one.

    \b
    Example:
      cobalt-mirror notices list
    """


@notices.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """List the endpoints and handlers that workers know, and how each fares.

    \b
    Example:
      cobalt-mirror notices list --json
    """
    engine = create_engine(ready_for_database())
    try:
        at, receivers = read_receivers(engine)
    finally:
        engine.dispose()
    if as_json:
        print_json({"at": at, "receivers": [asdict(receiver) for receiver in receivers]})
        return
    for receiver in receivers:
        print_line("", describe_receiver(receiver, at), indent=0)
    if not receivers:
        typer.echo("there are no receivers yet; set NOTICES_URL or HANDLERS_MODULE and start a worker")


@notices.command("enable")
def enable_(name: Name) -> None:
    """Send again what an endpoint or a handler did not take, now and with all attempts.

    An endpoint that is disabled gets notices again.

    \b
    Example:
      cobalt-mirror notices enable default
    """
    engine = create_engine(ready_for_database())
    try:
        waiting = enable(engine, name)
    finally:
        engine.dispose()
    typer.echo(f"{name} is enabled; {count_of(waiting, 'notice')} to deliver")


@notices.command("forget")
def forget_(name: Name) -> None:
    """Delete an endpoint or a handler with its notices.

    If it is still in the settings, it gets what happens from now on.

    \b
    Example:
      cobalt-mirror notices forget old-crm
    """
    engine = create_engine(ready_for_database())
    try:
        forget(engine, name)
    finally:
        engine.dispose()
    typer.echo(f"{name} is forgotten")
