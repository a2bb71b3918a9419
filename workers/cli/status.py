"""`cobalt-mirror status`: show what the operator has to do, events by status, waiting work, and dead events."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.db.statuses import Move, ProcessKind
from cobalt_mirror.db.waiting import Retrying, WaitingEvent
from cobalt_mirror.db.writable import find_write_failure
from cobalt_mirror.workers.ops.actions import Action, list_actions
from cobalt_mirror.workers.ops.notices import describe_receiver
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.ops.readiness import find_redis_failure, list_key_problems
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.output import console, print_json, print_line, print_table
from cobalt_mirror.workers.terminal.words import ago, count_of, duration

#: The exit code for a monitor: a person must act.
NEEDS_ACTION = 3


def status(
    dead: Annotated[int, typer.Option(help="Number of dead events to list, latest first.", min=0, max=10_000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not check the webhook at Cobalt.")] = False,
) -> None:
    """Show what you have to do, and how everything fares.

    The first lines say what is wrong and what to do. Exits with 3 if there is something that only you can do, so that a
    monitor can run it: no relay or worker runs, work is halted or overdue, Redis or a key is missing. What is up to
    Cobalt or to a customer, such as a refused value, is listed and does not count. Warns if Cobalt does not send
    notifications, and of a key that cannot be one of Cobalt's.

    \b
    Example:
      cobalt-mirror status --json | jq .actions
    """
    settings = Settings.from_environment()
    newer_schema = check_migrated(settings)
    engine = create_engine(settings)
    try:
        overview, write_failure = read_overview(engine, dead=dead), find_write_failure(engine)
    finally:
        engine.dispose()
    actions = list_actions(
        overview.facts(
            settings,
            newer_schema=newer_schema,
            write_failure=write_failure,
            redis_failure=find_redis_failure(settings),
        )
    )
    overview.warnings.extend(list_key_problems(settings))
    if not offline and overview.halt is None and settings.cobalt_api_key.get_secret_value():
        from cobalt_mirror.workers.ops.subscription import list_webhook_problems  # noqa: PLC0415 - it loads httpx

        overview.warnings.extend(list_webhook_problems(settings, overview.webhook))
    if as_json:
        print_json({"actions": actions, "database": settings.shown_url(), **asdict(overview)})
    else:
        _print_actions(actions, overview)
        _print(overview, settings.described_url(), lease_ttl=settings.lease_ttl)
    if actions:
        raise typer.Exit(NEEDS_ACTION)


def _print_actions(actions: Sequence[Action], overview: Overview) -> None:
    for action in actions:
        print_line("ACTION", action.text)
    if not actions:
        advice = "" if overview.processes else f"; {_NOTHING_HAS_RUN}"
        print_line("action", f"none needed{advice}")


_NOTHING_HAS_RUN = (
    "no process of this release has run here yet: start `cobalt-mirror worker` and `cobalt-mirror relay`, or `up`"
)


def _print(overview: Overview, database: str, *, lease_ttl: timedelta) -> None:
    for label, text in _lines(overview, database, lease_ttl=lease_ttl):
        print_line(label, text)
    if overview.dead:
        rows = [(e.move, e.type, e.linked_account_id, e.slug, e.last_error, e.source, e.id) for e in overview.dead]
        columns = ("who must act", "type", "account", "application", "reason", "source", "id")
        screen = console()
        screen.print()
        print_table(screen, "dead events", columns, rows)


def _lines(overview: Overview, database: str, *, lease_ttl: timedelta) -> Iterator[tuple[str, str]]:
    yield "events", ", ".join(f"{number} {name}" for name, number in overview.events.items())
    if overview.longest_waiting is not None:
        yield "waiting", _waiting(overview.longest_waiting, overview.at)
    if overview.in_hand.ends is not None:
        held_for = lease_ttl - (overview.in_hand.ends - overview.at)
        longest = f"for the longest, {duration(held_for)}: account {overview.in_hand.account}"
        yield "in hand", f"{count_of(overview.in_hand.number, 'account')}; {longest}"
    for move, retrying in sorted(overview.retrying.items()):
        yield "failing", _failing(move, retrying, overview.at)
    if overview.rereads:
        yield "rereads", f"{count_of(overview.rereads, 'subject')} will be read again"
    for line in _deletions(overview):
        yield "deletions", line
    yield "work", _work(overview)
    for pause in overview.pauses:
        yield "paused", pause.described()
    yield "processes", _processes(overview)
    yield "database", database
    yield "environment", overview.environment or "unknown before the first successful call"
    yield "catalogue", _catalogue(overview)
    yield "reconcile", _reconciliation(overview)
    for receiver in overview.receivers:
        yield "notices", describe_receiver(receiver, overview.at)
    for warning in overview.warnings:
        yield "warning", warning
    if overview.dead_by_move:
        moves = ", ".join(f"{number} by the {move}" for move, number in sorted(overview.dead_by_move.items()))
        yield "dead", f"to resolve: {moves}"


def _waiting(event: WaitingEvent, at: datetime) -> str:
    subject = f"{event.type} of account {event.linked_account_id}{f' for {event.slug}' if event.slug else ''}"
    reason = event.reason or "not attempted yet"
    return f"oldest event for {ago(event.recorded_at, at)}: {subject}: {reason}"


def _failing(move: Move, retrying: Retrying, at: datetime) -> str:
    first = retrying.first
    since = ago(first.retrying_since or first.recorded_at, at)
    number = count_of(retrying.number, "event")
    return f"{number}, the {move} must act; for the longest, {since}: account {first.linked_account_id}: {first.reason}"


def _processes(overview: Overview) -> str:
    alive = Counter(process.kind for process in overview.processes if process.is_alive(overview.at))
    return ", ".join(f"{alive[kind]} {kind}" for kind in ProcessKind)


def _deletions(overview: Overview) -> Iterator[str]:
    deletions = overview.deletions
    if deletions.asked_at is not None:
        yield f"{deletions.asked} requested and not carried out yet, oldest for {ago(deletions.asked_at, overview.at)}"
    if (oldest := deletions.oldest_unconfirmed) is not None:
        since = ago(oldest.gone_at, overview.at)
        yield f"{deletions.unconfirmed} to be confirmed, oldest for {since}: {oldest.linked_account_id}"
    if (oldest := deletions.oldest_noted) is not None:
        yield f"{deletions.noted} with a note, oldest: {oldest.linked_account_id}: {oldest.note}"


def _work(overview: Overview) -> str:
    if overview.halt is None:
        return "not halted"
    next_probe = duration(overview.halt.probe_at - overview.at)
    since = ago(overview.halt.since, overview.at)
    return f"HALTED for {since}, the {overview.halt.move} must act: {overview.halt.reason}; next probe in {next_probe}"


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
        passed = f"last complete pass began {ago(overview.passed_at, overview.at)} ago (accounts and connections)"
    read = f"{passed}; {_configs(overview)}"
    if run.finished_at is not None:
        contradiction = f"; Cobalt's listing contradicts itself: {run.contradiction}" if run.contradiction else ""
        return f"{read}{contradiction}"
    if run.is_under_way(overview.at):
        return f"{read}; run {run.id} is under way"
    return f"{read}; run {run.id} did not finish: {run.stopped_because or 'killed'}"


def _configs(overview: Overview) -> str:
    configs = overview.configs
    if not configs.total:
        return "no connection has configs to read"
    oldest = "" if configs.oldest_at is None else f", the oldest {ago(configs.oldest_at, overview.at)} ago"
    return f"configs of {configs.read} of {configs.total} connections were read{oldest}"
