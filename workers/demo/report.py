"""The demo's report: one customer's integrations page, the calls to Cobalt, and the differences found."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from sqlalchemy import Connection

from cobalt_mirror.db import integrations
from cobalt_mirror.workers.demo.compare import Difference, MirrorRows
from cobalt_mirror.workers.terminal.output import print_table


def show_page(screen: Console, connection: Connection, mirror: MirrorRows) -> None:
    """Show the integrations page of the customer with the most connections."""
    ids = [row.linked_account_id for row in mirror.connections]
    if not ids:
        return
    account_id = max(ids, key=ids.count)
    rows = [
        (
            integration.name,
            integration.state,
            integration.connected_at,
            ", ".join(option["auth_type"] for option in integration.auth_types),
            integration.description,
        )
        for integration in integrations(connection, account_id)
    ]
    screen.print()
    columns = ("application", "state", "connected at", "connects through", "description")
    print_table(screen, f"the integrations page of {account_id}", columns, rows)


def show_calls(screen: Console, summary: Mapping[str, Any], *, events: int, renewals: int) -> None:
    """Show the calls to Cobalt by kind, from host, pages and workers, in number and per event."""
    by_kind = sorted(summary["by_route"].items(), key=lambda item: -item[1])
    rows = [(kind, str(calls), f"{calls / events:.2f}") for kind, calls in by_kind]
    total = ("total", str(summary["calls"]), f"{summary['calls'] / events:.2f}")
    screen.print()
    print_table(screen, f"calls to Cobalt, for {events} events", ("call", "number", "per event"), [*rows, total])
    throttled = summary["by_status"].get("429", 0)
    screen.print(f"of these, {throttled} were over Cobalt's limit of 20 a second")
    screen.print(f"meanwhile Cobalt renewed {renewals} tokens by itself")
    screen.print()


def show_differences(screen: Console, differences: Sequence[Difference]) -> None:
    """Show each difference on a line."""
    for difference in differences:
        screen.print(str(difference), soft_wrap=True)


def compared_line(mirror: MirrorRows, at: datetime) -> str:
    """Return what was compared, and when both sides were read."""
    rows = len(mirror.accounts) + len(mirror.connections) + len(mirror.configs)
    return (
        f"compared {rows} rows of the mirror with all that Cobalt held at {at:%H:%M:%SZ}, column by column but for"
        " the forms of configs (`schema`); values of password fields are not mirrored"
    )


def summary_line(state: Mapping[str, Any], differences: Sequence[Difference]) -> str:
    """Return the last line of the report."""
    counts = ", ".join(f"{len(state[kind])} {kind}" for kind in ("accounts", "connections", "configs"))
    result = "mirror differs from Cobalt" if differences else "mirror agrees with Cobalt"
    return f"{result}: {counts}, {len(differences)} differences"
