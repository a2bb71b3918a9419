"""`cobalt-mirror status`: events by outcome, what waits, what is dead, and whether work is halted."""

from typing import Annotated

import typer

from db.engine import create_engine
from workers.cli.output import ago, cell, console, duration, print_json, table
from workers.cli.overview import Overview, read_overview
from workers.cli.readiness import ready_for_database

#: The exit code that tells a monitor to wake somebody.
NEEDS_SOMEBODY = 3


def status(
    dead: Annotated[int, typer.Option(help="How many dead events to list, the latest first.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show how events fare and whether work is halted.

    Tells which events are dead, why, and whose move it is. Exits with 3 when work is halted or any event is dead,
    so that a monitor can call it.

    \b
    Example:
      cobalt-mirror status --json | jq .events.pending
    """
    engine = create_engine(ready_for_database())
    try:
        found = read_overview(engine, dead=dead)
    finally:
        engine.dispose()
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found.needs_somebody:
        raise typer.Exit(NEEDS_SOMEBODY)


def _print(found: Overview) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in found.events.items())
    screen = console()
    screen.print(f"events       {counts}")
    if found.oldest_waiting_at is not None:
        screen.print(f"waiting      the oldest for {ago(found.oldest_waiting_at, found.at)}")
    if found.rereads:
        screen.print(f"rereads      {found.rereads} subjects are to be read again")
    screen.print(f"work         {_work(found)}")
    screen.print(f"environment  {found.environment or 'not known before the first success'}")
    screen.print(f"catalogue    {_catalogue(found)}")
    if found.dead_by_move:
        moves = ", ".join(f"{number} the {move}'s" for move, number in sorted(found.dead_by_move.items()))
        screen.print(f"dead         whose move: {moves}")
    if found.dead:
        rows = [(e.move, e.type, e.linked_account_id, e.slug, e.last_error, e.source, e.id) for e in found.dead]
        columns = ("move", "type", "account", "application", "reason", "source", "id")
        screen.print()
        screen.print(table("dead events", columns, rows))


def _work(found: Overview) -> str:
    if found.halt is None:
        return "not halted"
    next_probe = duration(found.halt.probe_at - found.at)
    return f"HALTED for {ago(found.halt.since, found.at)}: {cell(found.halt.reason)}; next probe in {next_probe}"


def _catalogue(found: Overview) -> str:
    if found.catalogue_read_at is None:
        return "not read yet; it is as soon as there is an active account"
    return f"{found.applications} applications, read {ago(found.catalogue_read_at, found.at)} ago"
