"""`cobalt-mirror show`: show everything stored about one customer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cobalt_mirror.db import Change, MirroredConfig, MirroredConnection, WorkflowRuns
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.ops.customer import Customer, read_customer
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.output import console, print_json, print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console


def show(
    account: Annotated[str, typer.Argument(help="Linked account id: your own id of the customer.")],
    limit: Annotated[
        int, typer.Option(help="Number of events and changes to list, latest first.", min=1, max=10_000)
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show everything stored about one customer.

    Prints the account, connections, configs, workflow runs, pending and latest events, and the history of the mirror;
    for a deleted customer, the receipt of the deletion.

    \b
    Example:
      cobalt-mirror show acme
    """
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        customer = read_customer(engine, account, limit=limit, database=settings.described_url())
    finally:
        engine.dispose()
    if as_json:
        print_json(customer)
    else:
        _print(customer)


def _print(customer: Customer) -> None:
    screen = console()
    if customer.halt is not None:
        print_line("HALTED", f"no event is carried out, for anyone: {customer.halt.reason}")
    for pause in customer.pauses:
        print_line("paused", pause.described())
    if customer.halt is not None or customer.pauses:
        screen.print()
    account = customer.account
    if account is None:
        screen.print("the mirror has no such account" if customer.deletion else "the mirror has no such account yet")
    else:
        row = (account.linked_account_id, account.name, account.status, account.environment, account.udf)
        names = ("account", "name", "status", "environment", "udf", "fresh at")
        print_table(screen, "account", names, [(*row, account.fresh_at)])
    if customer.deletion is not None:
        screen.print()
        _print_receipt(screen, customer.deletion)
    for title, columns, rows in _sections(customer):
        screen.print()
        if rows:
            print_table(screen, title, columns, rows)
        else:
            screen.print(f"no {title}")


def _print_receipt(screen: "Console", deletion: Deletion) -> None:
    columns = ("requested at", "event", "source", "deleted at", "confirmed at", "note")
    confirmed = deletion.confirmed_at or "not yet"
    request = (deletion.occurred_at, deletion.event_id, deletion.source)
    row = (*request, deletion.gone_at, confirmed, deletion.note)
    print_table(screen, "receipt of the deletion", columns, [row])


Section = tuple[str, tuple[str, ...], list[tuple[Any, ...]]]


def _sections(customer: Customer) -> list[Section]:
    return [
        (
            "connections",
            ("application", "status", "accounts", "connected at", "fresh at"),
            [(c.slug, c.status, _accounts(c), c.connected_at, c.fresh_at) for c in customer.connections],
        ),
        _configs(customer.configs),
        (
            "workflow runs",
            (
                "workflow",
                "name",
                "completed",
                "errored",
                "stopped",
                "timed out",
                "last run at",
                "last status",
                "last error",
            ),
            [_runs(each) for each in customer.workflow_runs],
        ),
        (
            "pending events",
            ("occurred at", "type", "application", "attempts", "due at", "last error", "id"),
            [(e.occurred_at, e.type, e.slug, e.attempts, e.due_at, e.last_error, e.id) for e in customer.pending],
        ),
        (
            "latest events",
            ("occurred at", "type", "application", "status", "detail", "id"),
            [(e.occurred_at, e.type, e.slug, e.status, e.detail or e.last_error, e.id) for e in customer.events],
        ),
        _history(customer.history),
    ]


def _configs(configs: Sequence[MirroredConfig]) -> Section:
    connection, ids = _connection_column(configs)
    rows = [
        (c.slug, c.config_id, *id_, c.status, c.fields, _workflows(c), _errors(c), c.verified_at)
        for c, id_ in zip(configs, ids, strict=True)
    ]
    columns = ("application", "config", *connection, "status", "fields", "workflows", "errors", "verified at")
    return "configs", columns, rows


def _history(changes: Sequence[Change]) -> Section:
    connection, ids = _connection_column(changes)
    rows = [(h.recorded_at, h.what, h.slug, h.config_id, *id_, h.changes) for h, id_ in zip(changes, ids, strict=True)]
    return "history", ("recorded at", "table", "application", "config", *connection, "changes: from, to"), rows


def _connection_column(rows: Sequence[MirroredConfig | Change]) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    """Return the column that names connections, as its title and its cell for each row; empty if none is named."""
    if not any(row.connection_id for row in rows):
        return (), [() for _ in rows]
    return ("connection",), [(row.connection_id,) for row in rows]


def _runs(runs: WorkflowRuns) -> tuple[Any, ...]:
    counts = (runs.completed, runs.errored, runs.stopped, runs.timed_out)
    return (runs.workflow_id, runs.workflow_name, *counts, runs.last_run_at, runs.last_status, runs.last_error)


def _accounts(connection: MirroredConnection) -> str:
    if connection.accounts is None:
        return "not read yet"
    return ", ".join(map(_account, connection.accounts))


def _account(account: Mapping[str, Any]) -> str:
    named = f" {account['connection_id']}" if account.get("connection_id") else ""
    return f"{account['auth_type']} {account['status']}{named}"


def _workflows(config: MirroredConfig) -> str:
    return ", ".join(f"{workflow['id']} {'on' if workflow['enabled'] else 'off'}" for workflow in config.workflows)


def _errors(config: MirroredConfig) -> str:
    return ", ".join(f"{error['id']}: {error['error']['message']}" for error in config.field_errors)
