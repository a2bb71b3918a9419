"""`cobalt-mirror status`: show events by status, waiting work, dead events, and whether work is halted."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.ops.readiness import list_key_problems, ready_for_database
from cobalt_mirror.workers.terminal.output import ago, cell, console, duration, print_json, table

#: The exit code for a monitor: a person must act.
NEEDS_ACTION = 3


def status(
    dead: Annotated[int, typer.Option(help="Number of dead events to list, latest first.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not check the webhook at Cobalt.")] = False,
) -> None:
    """Show events by status, dead events, and whether work is halted.

    Lists dead events with the reason and who must act. Warns if Cobalt does not send notifications, and of a key that
    cannot be one of Cobalt's. Exits with 3 if work is halted or any event is dead, so that a monitor can run it.

    \b
    Example:
      cobalt-mirror status --json | jq .events.pending
    """
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        overview = read_overview(engine, dead=dead)
    finally:
        engine.dispose()
    if settings.cobalt_api_key or settings.cobalt_previous_api_key:
        overview.warnings.extend(list_key_problems(settings))
    if not offline and overview.halt is None and settings.cobalt_api_key:
        from cobalt_mirror.workers.ops.subscription import list_webhook_problems  # noqa: PLC0415 - it loads httpx

        overview.warnings.extend(list_webhook_problems(settings, overview.webhook))
    if as_json:
        print_json({"database": settings.shown_url(), **asdict(overview)})
    else:
        _print(overview, settings.described_url())
    if overview.needs_action:
        raise typer.Exit(NEEDS_ACTION)


def _print(overview: Overview, database: str) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in overview.events.items())
    screen = console()
    screen.print(f"events       {counts}")
    if overview.oldest_waiting_at is not None:
        screen.print(f"waiting      oldest event for {ago(overview.oldest_waiting_at, overview.at)}")
    if overview.rereads:
        screen.print(f"rereads      {overview.rereads} subjects will be read again")
    for line in _deletions(overview):
        screen.print(f"deletions    {line}")
    screen.print(f"work         {_work(overview)}")
    screen.print(f"database     {cell(database)}")
    screen.print(f"environment  {overview.environment or 'unknown before the first successful call'}")
    screen.print(f"catalogue    {_catalogue(overview)}")
    screen.print(f"reconcile    {_reconciliation(overview)}")
    for warning in overview.warnings:
        screen.print(f"warning      {cell(warning)}")
    if overview.dead_by_move:
        moves = ", ".join(f"{number} by the {move}" for move, number in sorted(overview.dead_by_move.items()))
        screen.print(f"dead         to resolve: {moves}")
    if overview.dead:
        rows = [(e.move, e.type, e.linked_account_id, e.slug, e.last_error, e.source, e.id) for e in overview.dead]
        columns = ("who must act", "type", "account", "application", "reason", "source", "id")
        screen.print()
        screen.print(table("dead events", columns, rows))


def _deletions(overview: Overview) -> Iterator[str]:
    deletions = overview.deletions
    if deletions.asked_at is not None:
        yield f"{deletions.asked} requested and not carried out yet, oldest for {ago(deletions.asked_at, overview.at)}"
    if (oldest := deletions.oldest_unconfirmed) is not None:
        account = cell(oldest.linked_account_id)
        yield f"{deletions.unconfirmed} to be confirmed, oldest for {ago(oldest.gone_at, overview.at)}: {account}"
    if (oldest := deletions.oldest_noted) is not None:
        yield f"{deletions.noted} with a note, oldest: {cell(oldest.linked_account_id)}: {cell(oldest.note)}"


def _work(overview: Overview) -> str:
    if overview.halt is None:
        return "not halted"
    next_probe = duration(overview.halt.probe_at - overview.at)
    since, reason = ago(overview.halt.since, overview.at), cell(overview.halt.reason)
    return f"HALTED for {since}, the {overview.halt.move} must act: {reason}; next probe in {next_probe}"


def _catalogue(overview: Overview) -> str:
    if overview.catalogue_read_at is None:
        return "not read yet; it is read when there is an active account"
    return f"{overview.applications} applications, read {ago(overview.catalogue_read_at, overview.at)} ago"


def _reconciliation(overview: Overview) -> str:
    run = overview.reconciliation
    if run is None:
        return "never run; see `cobalt-mirror reconcile --help`"
    passed = "no complete pass yet"
    if overview.passed_at is not None:
        passed = f"last complete pass began {ago(overview.passed_at, overview.at)} ago"
    if run.finished_at is not None:
        return passed
    if run.is_under_way(overview.at):
        return f"{passed}; run {run.id} is under way"
    return f"{passed}; run {run.id} did not finish: {cell(run.stopped_because or 'killed')}"
