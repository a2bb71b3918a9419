"""What the demo shows at the end: one customer's page, the calls to Cobalt, and where the mirror is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from sqlalchemy import Connection

from cobalt_mirror.db import integrations
from cobalt_mirror.workers.demo.compare import Difference, MirrorRows
from cobalt_mirror.workers.terminal.output import table


def show_page(screen: Console, connection: Connection, mirror: MirrorRows) -> None:
    """The integrations page of the customer who connected most."""
    ids = [row.linked_account_id for row in mirror.connections]
    if not ids:
        return
    chosen = max(ids, key=ids.count)
    rows = [
        (
            one.name,
            one.state,
            one.connected_at,
            ", ".join(each["auth_type"] for each in one.auth_types),
            one.description,
        )
        for one in integrations(connection, chosen)
    ]
    screen.print()
    screen.print(
        table(
            f"the integrations page of {chosen}",
            ("application", "state", "connected at", "connects through", "description"),
            rows,
        )
    )


def show_calls(screen: Console, summary: Mapping[str, Any], *, events: int) -> None:
    """Calls to Cobalt by kind, the host's and the workers', and per event."""
    by_kind = sorted(summary["by_route"].items(), key=lambda item: -item[1])
    rows = [(kind, str(calls), f"{calls / events:.2f}") for kind, calls in by_kind]
    total = ("together", str(summary["calls"]), f"{summary['calls'] / events:.2f}")
    screen.print()
    screen.print(table(f"calls to Cobalt, for {events} events", ("call", "number", "per event"), [*rows, total]))
    throttled = summary["by_status"].get("429", 0)
    screen.print(f"of these, {throttled} were over Cobalt's limit of 20 a second")
    screen.print()


def show_differences(screen: Console, differences: Sequence[Difference]) -> None:
    """Every difference on a line."""
    for difference in differences:
        screen.print(str(difference), soft_wrap=True)


def verdict(state: Mapping[str, Any], differences: Sequence[Difference]) -> str:
    """The last line."""
    counts = ", ".join(f"{len(state[kind])} {kind}" for kind in ("accounts", "connections", "configs"))
    says = "mirror differs from Cobalt" if differences else "mirror agrees with Cobalt"
    return f"{says}: {counts}, {len(differences)} differences"
