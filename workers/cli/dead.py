"""`cobalt-mirror dead`: list, show, replay or discard dead events."""

import threading
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from cobalt_mirror.db.dead_letters import DeadFilter
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.cli.replay_progress import progress
from cobalt_mirror.workers.cli.single_events import print_event
from cobalt_mirror.workers.cli.values import moment, stated_reason
from cobalt_mirror.workers.ops.dead_letters import (
    Selection,
    command_for,
    discard_all,
    select_dead,
    show_letters,
)
from cobalt_mirror.workers.ops.operator_name import find_operator
from cobalt_mirror.workers.ops.readiness import ready_for_database, ready_for_work
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.output import console, print_json, print_table
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.terminal.words import count_of

#: The exit codes of a replay that did not go on to its end.
BLOCKED, INTERRUPTED = 1, 130

_Move = Annotated[Move | None, typer.Option(help="Who has to act.")]
_Type = Annotated[str | None, typer.Option("--type", help="Type of the event, such as config_changed.")]
_Slug = Annotated[str | None, typer.Option(help="Application.")]
_Account = Annotated[str | None, typer.Option(help="Linked account id.")]
_Reason = Annotated[str | None, typer.Option(help="Part of the reason, in whatever case.")]
_Since = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="TIME", help="Dead since this time or age, such as 24h.")
]
_All = Annotated[bool, typer.Option("--all", help="All dead events; instead of a filter.")]
_Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Largest number of events, those first that died first.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; count the events, and print the command.")]
_By = Annotated[str | None, typer.Option(help="Your name, for the history; default: the user of this machine.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

dead = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dead.callback()
def _group() -> None:
    """List, show, replay or discard dead events.

    A dead event is one that no worker tries again. Correct its cause, then replay it; or discard it.

    \b
    Example:
      cobalt-mirror dead replay --move operator --dry-run
    """


@dead.command("list")
def list_letters(
    *,
    move: _Move = None,
    type_: _Type = None,
    slug: _Slug = None,
    account: _Account = None,
    reason: _Reason = None,
    since: _Since = None,
    is_all: _All = False,
    limit: _Limit = 100,
    as_json: _Json = False,
) -> None:
    """List dead events, all of them if there is no filter. With --json, also their payloads.

    \b
    Example:
      cobalt-mirror dead list --slug slack --since 24h
    """
    wanted = DeadFilter(move=move, type=type_, slug=slug, account=account, reason=reason, since=since)
    _check(wanted, is_all=is_all, is_needed=False)
    settings = ready_for_database()
    selection, payloads = _select(settings, wanted, limit=limit, with_payloads=as_json)
    if as_json:
        letters = [{**asdict(each), "payload": payloads.get(each.key)} for each in selection.letters]
        print_json({"number": selection.number, "events": letters})
        return
    screen = console()
    if selection.letters:
        columns = ("dead since", "who must act", "type", "account", "application", "reason", "source", "id")
        rows = [
            (e.finished_at, e.move, e.type, e.linked_account_id, e.slug, e.reason, e.source, e.id)
            for e in selection.letters
        ]
        print_table(screen, "dead events", columns, rows)
    screen.print(f"{len(selection.letters)} of {selection.number} dead events")


@dead.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the event.")],
    source: Annotated[str | None, typer.Option(help="Its source, if several have an event with this id.")] = None,
    as_json: _Json = False,
) -> None:
    """Show a dead event with its payload. Encrypted parts need MIRROR_SECRET_KEYS; passwords are masked.

    \b
    Example:
      cobalt-mirror dead show 0190f5a2-7c1e-7a3b-9c4d-5e6f70819203
    """
    print_event(id_, source=source, status=EventStatus.DEAD, as_json=as_json)


@dead.command()
def replay(
    *,
    move: _Move = None,
    type_: _Type = None,
    slug: _Slug = None,
    account: _Account = None,
    reason: _Reason = None,
    since: _Since = None,
    is_all: _All = False,
    limit: _Limit = 100,
    dry_run: _DryRun = False,
    by: _By = None,
    as_json: _Json = False,
) -> None:
    """Look again now at dead events whose cause is corrected.

    Each is pending again, and its subject is read first; what a newer event did stays. Calls to Cobalt come second to
    live work. Ctrl-C stops it after the call in progress: each event is then dead as before, or left to the workers.

    \b
    Example:
      cobalt-mirror dead replay --move operator --reason "not enabled"
    """
    wanted = DeadFilter(move=move, type=type_, slug=slug, account=account, reason=reason, since=since)
    _check(wanted, is_all=is_all)
    settings = ready_for_database() if dry_run else ready_for_work()
    selection, _ = _select(settings, wanted, limit=limit)
    if dry_run:
        command = command_for("replay", wanted, limit=limit, is_all=is_all, by=by)
        _print_dry_run(selection, command, verb="replay", as_json=as_json)
        return
    _warn_of_credentials(selection)
    _replay(settings, selection, by=find_operator(by), as_json=as_json)


@dead.command()
def discard(
    *,
    why: Annotated[
        str, typer.Option(parser=stated_reason, metavar="TEXT", help="Reason, for whoever looks at the event later.")
    ],
    move: _Move = None,
    type_: _Type = None,
    slug: _Slug = None,
    account: _Account = None,
    reason: _Reason = None,
    since: _Since = None,
    is_all: _All = False,
    limit: _Limit = 100,
    dry_run: _DryRun = False,
    by: _By = None,
    as_json: _Json = False,
) -> None:
    """End dead events for good: nothing carries them out any more, and `status` forgets them.

    \b
    Example:
      cobalt-mirror dead discard --account acme --why "a test customer"
    """
    wanted = DeadFilter(move=move, type=type_, slug=slug, account=account, reason=reason, since=since)
    _check(wanted, is_all=is_all)
    settings = ready_for_database()
    selection, _ = _select(settings, wanted, limit=limit)
    if dry_run:
        command = command_for("discard", wanted, limit=limit, is_all=is_all, why=why, by=by)
        _print_dry_run(selection, command, verb="discard", as_json=as_json)
        return
    engine = create_engine(settings)
    try:
        discarded = discard_all(engine, selection.keys, by=find_operator(by), why=why)
    finally:
        engine.dispose()
    if as_json:
        print_json({"discarded": discarded, "left": selection.number - discarded})
    else:
        typer.echo(f"{_events(discarded)} discarded; {selection.number - discarded} more dead events match")


def _check(wanted: DeadFilter, *, is_all: bool, is_needed: bool = True) -> None:
    if any(isinstance(value, str) and not value.strip() for value in asdict(wanted).values()):
        raise typer.BadParameter("a filter is empty, which every event would meet; give it a value, or leave it out")
    has_filter = wanted != DeadFilter()
    if is_all and has_filter:
        raise typer.BadParameter("--all and a filter cannot be combined; leave one out")
    if is_needed and not is_all and not has_filter:
        raise typer.BadParameter(
            "no filter, so nothing was done; give --move, --type, --slug, --account, --reason or --since, or --all"
        )


def _select(
    settings: Settings, wanted: DeadFilter, *, limit: int, with_payloads: bool = False
) -> tuple[Selection, Any]:
    engine = create_engine(settings)
    try:
        selection = select_dead(engine, wanted, limit=limit)
        payloads = show_letters(engine, selection.letters, settings.vault()) if with_payloads else {}
    finally:
        engine.dispose()
    return selection, payloads


def _print_dry_run(selection: Selection, command: str, *, verb: str, as_json: bool) -> None:
    counts = [(move, number, reason) for (move, reason), number in selection.count().items()]
    if as_json:
        by_reason = [{"move": move, "reason": reason, "number": number} for move, number, reason in counts]
        numbers = {"taken": len(selection.letters), "number": selection.number}
        without = {"without_credentials": selection.without_credentials}
        print_json({**numbers, **without, "counts": by_reason, "command": command})
        return
    screen = console()
    if counts:
        print_table(screen, f"dry run: would {verb}", ("who must act", "number", "reason"), counts)
    screen.print(f"{len(selection.letters)} of {selection.number} dead events; to {verb} them, run")
    screen.print(f"  {command}", soft_wrap=True)
    _warn_of_credentials(selection)


def _warn_of_credentials(selection: Selection) -> None:
    if selection.without_credentials:
        typer.echo(
            f"warning: {selection.without_credentials} of them are sign-ups whose auth_credentials were deleted when "
            "they ended; publish those again with new ids",
            err=True,
        )


def _replay(settings: Settings, selection: Selection, *, by: str, as_json: bool) -> None:
    from cobalt_mirror.workers import logs  # noqa: PLC0415 - `dead list` does not wait for it
    from cobalt_mirror.workers.ops.replaying import replay_all  # noqa: PLC0415 - it loads httpx and redis

    logs.configure(settings.log_level, settings.log_format)
    stopped = threading.Event()
    with stop_on_signal(stopped.set), progress() as show_progress:
        replayed = replay_all(settings, selection.letters, by=by, show_progress=show_progress, stopped=stopped)
    if as_json:
        print_json(replayed)
    else:
        number = sum(replayed.by_status.values())
        outcomes = ", ".join(f"{count} {status}" for status, count in sorted(replayed.by_status.items()))
        typer.echo(f"{_events(number)} replayed{f': {outcomes}' if outcomes else ''}; {replayed.left} left as they are")
        if replayed.by_status.get(EventStatus.PENDING):
            typer.echo("the workers go on with those that are pending")
    if replayed.blocked is not None:
        typer.echo(f"cobalt-mirror: the rest was not replayed, as {replayed.blocked}", err=True)
        raise typer.Exit(BLOCKED)
    if stopped.is_set():
        raise typer.Exit(INTERRUPTED)


def _events(number: int) -> str:
    return count_of(number, "event")
