"""Runs of the reconciliation in a test's world, and what can be said of a world afterwards."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import httpx

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import SandboxTransport
from cobalt_mirror.workers.reconcile import Options, Reconciliation, Report, ShowProgress
from cobalt_mirror.workers.reconcile.calls import CallCounter
from cobalt_mirror.workers.reconcile.progress import show_nothing
from tests.world import World

#: The tables that a host reads.
MIRROR = ("linked_accounts", "connections", "configs", "applications")


def reconciliation(world: World, *, wire: httpx.BaseTransport | None = None, page_size: int = 100) -> Reconciliation:
    """A reconciliation over a world; when it waits, only the world's time passes."""
    counter = CallCounter()
    client = Client(
        world.key,
        base_url="http://sandbox.test",
        transport=SandboxTransport(world.sandbox) if wire is None else wire,
        timeout_seconds=world.settings.cobalt_timeout_seconds,
        governor=counter,
    )
    return Reconciliation(
        attempts=replace(world.attempts, client=client),
        catalogue=replace(world.catalogue, client=client),
        calls=counter,
        clock=world.clock,
        sleep=world.clock.pass_time,
        page_size=page_size,
    )


def reconcile(
    world: World,
    *,
    wire: httpx.BaseTransport | None = None,
    page_size: int = 100,
    show_progress: ShowProgress = show_nothing,
    **options: Any,
) -> Report:
    """Run once."""
    return reconciliation(world, wire=wire, page_size=page_size).run(Options(**options), show_progress=show_progress)


def at_cobalt(world: World, numbers: Iterable[int], *slugs: str) -> None:
    """Create accounts `a<number>` at Cobalt that nobody tells the mirror of, connected to some applications."""
    for number in numbers:
        name = f"a{number}"
        world.client.upsert_account(name, name=f"Customer {number}", udf={"plan": "pro"})
        for slug in slugs:
            world.sandbox.connect(name, slug)
    world.calls()


def mirrored(world: World) -> dict[str, Any]:
    """Every row of the mirror, and of its history."""
    return {name: world.rows(name) for name in (*MIRROR, "history")}


def run_row(world: World, report: Report) -> dict[str, Any]:
    """The row of a run."""
    return world.row("runs", id=report.run.id)


def disable(world: World, slug: str) -> None:
    """Disable an application at Cobalt, and have the mirror know: two listings lack it."""
    world.sandbox.disable_application(slug)
    world.catalogue.refresh()
    world.clock.pass_time(15)
    world.catalogue.refresh()
