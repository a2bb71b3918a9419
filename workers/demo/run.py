"""Run the demo: start the customers, wait until all their events are handled, compare, report."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import typer
from sqlalchemy import Engine

from cobalt_mirror.db.engine import reading
from cobalt_mirror.workers.demo.compare import compare, read_mirror
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.journey import Customer
from cobalt_mirror.workers.demo.progress import ShowProgress, progress
from cobalt_mirror.workers.demo.report import compared_line, show_calls, show_differences, show_page, summary_line
from cobalt_mirror.workers.demo.services import DemoServices
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.terminal.output import console, print_table

#: Customers that click at the same time.
_CONCURRENT_CUSTOMERS = 8
_POLL_SECONDS = 0.25
#: Give up when no event was handled for this long. A killed worker's lease expires within half of it.
_STALLED_SECONDS = 75.0


def run_demo(services: DemoServices, *, customers: int, seed: int) -> bool:
    """Run the customers, wait for their events, and compare the mirror with the sandbox.

    Returns:
        Whether the mirror agrees with Cobalt and no event is dead.

    Raises:
        NotReady: Events are not being handled. The text says why.
    """
    screen = console()
    host = Host(engine=services.engine, client=services.client, governor=services.governor)
    everyone = [Customer.numbered(number, seed=seed, host=host) for number in range(1, customers + 1)]
    with ExitStack() as stack:
        show = stack.enter_context(progress(screen, customers=customers))
        journeys = stack.enter_context(_start_customers(host, everyone))
        end = _wait(services.engine, journeys, show)
    state, read_at = services.sandbox.state(environment="test"), datetime.now(UTC)
    with reading(services.engine).begin() as connection:
        account_ids = {row["linked_account_id"] for row in state["accounts"]}
        mirror = read_mirror(connection, account_ids | {customer.id for customer in everyone})
        show_page(screen, connection, mirror)
    renewals = len(services.sandbox.effects(kind="token_renewed"))
    show_calls(screen, services.sandbox.summary(), events=host.published, renewals=renewals)
    differences = compare(mirror, state)
    show_differences(screen, differences)
    if end.dead:
        rows = [(e.type, e.linked_account_id, e.slug, e.move, e.last_error) for e in end.dead]
        print_table(screen, "dead events", ("type", "account", "application", "move", "reason"), rows)
    typer.echo(compared_line(mirror, read_at))
    typer.echo(summary_line(state, differences))
    return not differences and not end.dead


@contextmanager
def _start_customers(host: Host, customers: list[Customer]) -> Iterator[list[Future[None]]]:
    threads = ThreadPoolExecutor(_CONCURRENT_CUSTOMERS, thread_name_prefix="customer")
    try:
        yield [threads.submit(customer.live) for customer in customers]
    finally:
        host.closing.set()
        threads.shutdown(cancel_futures=True)
        host.browser.close()


def _wait(engine: Engine, journeys: list[Future[None]], show: ShowProgress) -> Overview:
    """Wait until every customer is done, no event is pending, and no subject is to be read again."""
    before, changed_at = -1, time.monotonic()
    pause = threading.Event()
    while True:
        finished = [journey for journey in journeys if journey.done()]
        for journey in finished:
            journey.result()
        overview = read_overview(engine)
        handled = sum(overview.events.values()) - overview.pending
        show(customers=len(finished), handled=handled, waiting=overview.pending)
        if len(finished) == len(journeys) and not overview.pending and not overview.rereads:
            return overview
        if overview.halt is not None:
            raise NotReady(f"work is halted: {overview.halt.reason}")
        if handled != before:
            before, changed_at = handled, time.monotonic()
        if time.monotonic() - changed_at > _STALLED_SECONDS:
            raise NotReady(
                f"{overview.pending} events are pending, and none was handled for {_STALLED_SECONDS:g} seconds"
            )
        pause.wait(_POLL_SECONDS)
