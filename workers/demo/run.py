"""Runs the demo: lets the customers loose, waits until all their events are handled, compares, reports."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import typer
from sqlalchemy import Engine

from cobalt_mirror.db.engine import reading
from cobalt_mirror.workers.demo.compare import compare, read_mirror
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.journey import Customer
from cobalt_mirror.workers.demo.place import Place
from cobalt_mirror.workers.demo.progress import Shown, progress
from cobalt_mirror.workers.demo.report import show_calls, show_differences, show_page, verdict
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.terminal.output import console, table

#: Customers at a time.
_AT_ONCE = 8
_LOOK_SECONDS = 0.25
#: When nothing was handled for this long, nothing will be. A killed worker's lease runs out within half of it.
_STALLED_SECONDS = 75.0


def run_demo(place: Place, *, customers: int, seed: int) -> bool:
    """Send customers through the flow and compare.

    Returns:
        Whether the mirror agrees with Cobalt and every event was handled.

    Raises:
        NotReady: the events do not get handled; the text says why.
    """
    screen = console()
    host = Host(engine=place.engine, client=place.client)
    everybody = [Customer.numbered(number, seed=seed, host=host) for number in range(1, customers + 1)]
    with ExitStack() as stack:
        show = stack.enter_context(progress(screen, customers=customers))
        journeys = stack.enter_context(_let_loose(host, everybody))
        end = _wait(place.engine, journeys, show)
    state = place.sandbox.state(environment="test")
    with reading(place.engine).begin() as connection:
        known = {row["linked_account_id"] for row in state["accounts"]}
        mirror = read_mirror(connection, known | {customer.id for customer in everybody})
        show_page(screen, connection, mirror)
    show_calls(screen, place.sandbox.summary(), events=host.published)
    differences = compare(mirror, state)
    show_differences(screen, differences)
    if end.dead:
        rows = [(e.type, e.linked_account_id, e.slug, e.move, e.last_error) for e in end.dead]
        screen.print(table("dead events", ("type", "account", "application", "move", "reason"), rows))
    typer.echo(verdict(state, differences))
    return not differences and not end.dead


@contextmanager
def _let_loose(host: Host, everybody: list[Customer]) -> Iterator[list[Future[None]]]:
    threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="customer")
    try:
        yield [threads.submit(customer.live) for customer in everybody]
    finally:
        host.closing.set()
        threads.shutdown(cancel_futures=True)
        host.browser.close()


def _wait(engine: Engine, journeys: list[Future[None]], show: Shown) -> Overview:
    """Wait until every customer is through and nothing is pending, nor to be read again."""
    before, changed_at = -1, time.monotonic()
    pause = threading.Event()
    while True:
        through = [journey for journey in journeys if journey.done()]
        for journey in through:
            journey.result()
        found = read_overview(engine)
        handled = sum(found.events.values()) - found.pending
        show(customers=len(through), handled=handled, waiting=found.pending)
        if len(through) == len(journeys) and not found.pending and not found.rereads:
            return found
        if found.halt is not None:
            raise NotReady(f"work is halted: {found.halt.reason}")
        if handled != before:
            before, changed_at = handled, time.monotonic()
        if time.monotonic() - changed_at > _STALLED_SECONDS:
            raise NotReady(f"{found.pending} events wait, and none was handled for {_STALLED_SECONDS:g} seconds")
        pause.wait(_LOOK_SECONDS)
