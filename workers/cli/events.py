"""`cobalt-mirror events`: list, show or hurry single events."""

from datetime import datetime
from typing import Annotated

import typer

from cobalt_mirror.db import EventState
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.workers.cli.single_events import print_event
from cobalt_mirror.workers.ops.operator_name import find_operator
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.single_events import hurry_event, read_events
from cobalt_mirror.workers.terminal.output import console, print_json, print_table
from cobalt_mirror.workers.terminal.words import cell

_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the event.")]
_Source = Annotated[str | None, typer.Option(help="Its source, if several have an event with this id.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

events = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@events.callback()
def _group() -> None:
    """List, show or hurry single events.

    \b
    Example:
      cobalt-mirror events list --status pending
    """


@events.command("list")
def list_latest(
    *,
    status: Annotated[EventStatus | None, typer.Option(help="Only events of this status.")] = None,
    account: Annotated[str | None, typer.Option(help="Only events of this linked account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Largest number of events, latest first.")] = 100,
    as_json: _Json = False,
) -> None:
    """List the latest events.

    \b
    Example:
      cobalt-mirror events list --status pending --account acme
    """
    engine = create_engine(ready_for_database())
    try:
        latest = read_events(engine, account=account, status=status, limit=limit)
    finally:
        engine.dispose()
    if as_json:
        print_json(latest)
        return
    columns = (
        "occurred at",
        "type",
        "account",
        "application",
        "status",
        "attempts",
        "due at",
        "reason",
        "source",
        "id",
    )
    rows = [
        (
            e.occurred_at,
            e.type,
            e.linked_account_id,
            e.slug,
            e.status,
            e.attempts,
            _due(e),
            e.last_error or e.detail,
            e.source,
            e.id,
        )
        for e in latest
    ]
    if rows:
        print_table(console(), "events", columns, rows)
    else:
        typer.echo("no events")


def _due(event: EventState) -> datetime | None:
    return event.due_at if event.status is EventStatus.PENDING else None


@events.command()
def show(id_: _Id, source: _Source = None, as_json: _Json = False) -> None:
    """Show all that is stored of an event. Encrypted parts need MIRROR_SECRET_KEYS; passwords are masked.

    \b
    Example:
      cobalt-mirror events show 0190f5a2-7c1e-7a3b-9c4d-5e6f70819203
    """
    print_event(id_, source=source, as_json=as_json)


@events.command()
def hurry(
    id_: _Id,
    source: _Source = None,
    by: Annotated[
        str | None, typer.Option(help="Your name, shown with the event; default: the user of this machine.")
    ] = None,
) -> None:
    """Have an event that waits tried now.

    \b
    Example:
      cobalt-mirror events hurry 0190f5a2-7c1e-7a3b-9c4d-5e6f70819203
    """
    engine = create_engine(ready_for_database())
    try:
        event = hurry_event(engine, id_, source=source, by=find_operator(by))
    finally:
        engine.dispose()
    typer.echo(f"event {id_} of account {event.linked_account_id} is due now; it was due at {cell(event.due_at)}")
