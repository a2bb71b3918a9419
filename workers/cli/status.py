"""`cobalt-mirror status`: events by outcome, what waits, what is dead, and whether work is halted."""

from collections.abc import Iterator
from typing import Annotated

import typer

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.subscription import find_flaw
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.output import ago, cell, console, duration, print_json, table

#: The exit code that tells a monitor to wake somebody.
NEEDS_SOMEBODY = 3
#: How long Cobalt may take to say which webhooks it has, in seconds.
_PATIENCE_SECONDS = 3.0


def status(
    dead: Annotated[int, typer.Option(help="How many dead events to list, the latest first.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Cobalt about the webhook.")] = False,
) -> None:
    """Show how events fare and whether work is halted.

    Tells which events are dead, why, and whose move it is, and warns when Cobalt does not notify us. Exits with 3
    when work is halted or any event is dead, so that a monitor can call it.

    \b
    Example:
      cobalt-mirror status --json | jq .events.pending
    """
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        found = read_overview(engine, dead=dead)
    finally:
        engine.dispose()
    if not offline:
        found.warnings.extend(_ask_cobalt(settings, found))
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found.needs_somebody:
        raise typer.Exit(NEEDS_SOMEBODY)


def _ask_cobalt(settings: Settings, found: Overview) -> list[str]:
    """What is wrong with our webhook there. No key, or a halt: nobody is asked."""
    if not settings.cobalt_api_key.get_secret_value() or found.halt is not None:
        return []
    try:
        with Client(
            settings.require_key(), base_url=settings.cobalt_base_url, timeout_seconds=_PATIENCE_SECONDS
        ) as client:
            flaw = find_flaw(client.fetch_webhooks(), found.webhook)
    except CobaltError as error:
        return [f"whether Cobalt would notify us is not known: {error}"]
    return [] if flaw is None else [flaw]


def _print(found: Overview) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in found.events.items())
    screen = console()
    screen.print(f"events       {counts}")
    if found.oldest_waiting_at is not None:
        screen.print(f"waiting      the oldest for {ago(found.oldest_waiting_at, found.at)}")
    if found.rereads:
        screen.print(f"rereads      {found.rereads} subjects are to be read again")
    for line in _deletions(found):
        screen.print(f"deletions    {line}")
    screen.print(f"work         {_work(found)}")
    screen.print(f"environment  {found.environment or 'not known before the first success'}")
    screen.print(f"catalogue    {_catalogue(found)}")
    screen.print(f"reconcile    {_reconciliation(found)}")
    for warning in found.warnings:
        screen.print(f"warning      {cell(warning)}")
    if found.dead_by_move:
        moves = ", ".join(f"{number} the {move}'s" for move, number in sorted(found.dead_by_move.items()))
        screen.print(f"dead         whose move: {moves}")
    if found.dead:
        rows = [(e.move, e.type, e.linked_account_id, e.slug, e.last_error, e.source, e.id) for e in found.dead]
        columns = ("move", "type", "account", "application", "reason", "source", "id")
        screen.print()
        screen.print(table("dead events", columns, rows))


def _deletions(found: Overview) -> Iterator[str]:
    told = found.deletions
    if told.asked_at is not None:
        yield f"{told.asked} asked for and not carried out yet, the oldest for {ago(told.asked_at, found.at)}"
    if (oldest := told.oldest_unconfirmed) is not None:
        account = cell(oldest.linked_account_id)
        yield f"{told.unconfirmed} to be confirmed, the oldest for {ago(oldest.gone_at, found.at)}: {account}"
    if (oldest := told.oldest_noted) is not None:
        yield f"{told.noted} with a note, the oldest: {cell(oldest.linked_account_id)}: {cell(oldest.note)}"


def _work(found: Overview) -> str:
    if found.halt is None:
        return "not halted"
    next_probe = duration(found.halt.probe_at - found.at)
    since, reason = ago(found.halt.since, found.at), cell(found.halt.reason)
    return f"HALTED for {since}, the {found.halt.move}'s move: {reason}; next probe in {next_probe}"


def _catalogue(found: Overview) -> str:
    if found.catalogue_read_at is None:
        return "not read yet; it is as soon as there is an active account"
    return f"{found.applications} applications, read {ago(found.catalogue_read_at, found.at)} ago"


def _reconciliation(found: Overview) -> str:
    run = found.reconciliation
    if run is None:
        return "never run; see `cobalt-mirror reconcile --help`"
    began = "no pass is complete yet"
    if found.passed_at is not None:
        began = f"the last complete pass began {ago(found.passed_at, found.at)} ago"
    if run["finished_at"] is not None:
        return began
    if run["place"] is not None and run["alive_until"] > found.at:
        return f"{began}; run {run['id']} is under way"
    return f"{began}; run {run['id']} did not finish: {cell(run['stopped_because'] or 'killed')}"
