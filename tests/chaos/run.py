"""One run: start the services, carry out the plan, wait until quiet, reconcile, check the invariants."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.workers.ops.overview import read_overview
from tests.chaos.audit import install
from tests.chaos.driver import Driver
from tests.chaos.evidence import Evidence, collect, keep
from tests.chaos.faults import WORKERS
from tests.chaos.host import Host
from tests.chaos.injector import FaultInjector
from tests.chaos.invariants import INVARIANTS, Finding
from tests.chaos.lateness import Lateness
from tests.chaos.options import Options
from tests.chaos.plan import make_plan
from tests.chaos.secrets import find_told
from tests.chaos.services import WORKER_PROCESSES, Services, open_services
from tests.chaos.steps import FaultKind
from tests.commands import children_of
from tests.waiting import wait_until

#: Seconds between two lines of progress.
_LINE_SECONDS = 5.0
#: The run must be quiet after this and half of its duration, in seconds.
_QUIET_SECONDS = 120.0
#: The most tries of the last reconciliation, which fails while work is in flight or another run holds the place.
_TRIES, _AGAIN_SECONDS = 12, 15.0
#: The most lines to print for a violated invariant; the evidence holds all.
_ROWS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a run."""

    line: str
    holds: bool


def run_chaos(options: Options, folder: Path) -> Verdict:
    """Do one run, and print its findings."""
    plan = make_plan(options)
    with open_services(options, folder) as services:
        _begin(services)
        closing = threading.Event()
        start = datetime.now(UTC)
        host = Host(engine=services.engine, start=start, closing=closing)
        injector = FaultInjector(
            processes=services.processes, redis=services.redis, postgres=services.postgres, control=services.control
        )
        driver = Driver(
            services=services,
            host=host,
            injector=injector,
            start=start,
            duration=options.duration,
            closing=closing,
            lateness=Lateness(duration=options.duration),
        )
        driver.run(plan, show=_Lines(driver))
        injector.mend()
        findings = [_settle(driver, options), find_told(services, host.accepted.values())]
        evidence = collect(options, services, host, injector)
        _print_counts(driver)
        findings += [judge(evidence) for judge in INVARIANTS]
        return _judge(driver, options, evidence, findings)


def _begin(services: Services) -> None:
    services.processes.run_first()
    install(services.engine, services.settings.mirror_schema)
    ensured = services.start_command("webhook", "ensure", f"{services.web_url}/webhooks/cobalt")
    if ensured.wait():
        raise RuntimeError(f"the webhook was not registered: {(services.folder / 'commands.log').read_text()}")
    services.reaper.forget(ensured.pid)
    services.processes.start()
    wait_until(lambda: _is_ready(services), timeout_seconds=_QUIET_SECONDS)


def _is_ready(services: Services) -> bool:
    """Return whether the web process answers, and every worker has its processes."""
    pids = services.processes.pids
    workers = [pids[name] for name in WORKERS if name in pids]
    at_work = [pid for pid in workers if len(children_of(pid)) >= WORKER_PROCESSES]
    return len(at_work) == len(WORKERS) and services.is_ready()


# --- quiet ------------------------------------------------------------------------------------------------------------


def _settle(driver: Driver, options: Options) -> Finding:
    """Wait until quiet, reconcile, and wait again for the work that this started."""
    deadline = time.monotonic() + _QUIET_SECONDS + options.duration / 2
    violations = _wait_until_quiet(driver, deadline)
    exits: list[int] = []
    while not violations and len(exits) < _TRIES:
        exits.append(driver.reconcile("--deep"))
        typer.echo(f"{driver.elapsed:5.0f} s  reconcile --deep ended with {exits[-1]}")
        if exits[-1] == 0:
            break
        driver.closing.wait(_AGAIN_SECONDS)
    if not violations and exits[-1] != 0:
        violations = [f"reconcile --deep ended with {exits}"]
    violations = violations or _wait_until_quiet(driver, deadline + _QUIET_SECONDS)
    return Finding(name="all work ends", counts={"last reconciliations": len(exits)}, violations=violations)


def _wait_until_quiet(driver: Driver, deadline: float) -> list[str]:
    """Wait until no event is pending, no check is left and no late effect is pending."""
    printed_at = 0.0
    while True:
        waiting = _waiting(driver)
        if not waiting:
            return []
        if time.monotonic() > deadline:
            return [f"still waiting: {waiting}"]
        if time.monotonic() - printed_at > _LINE_SECONDS:
            printed_at = time.monotonic()
            typer.echo(f"{driver.elapsed:5.0f} s  waiting for quiet: {waiting}")
        driver.closing.wait(0.2)


def _waiting(driver: Driver) -> str:
    try:
        overview = read_overview(driver.services.engine)
    except SQLAlchemyError as error:  # it has just been started again
        return f"the database ({type(error).__name__})"
    late_effects = driver.services.control.late_effects()
    counts = {"events": overview.pending, "checks": overview.rereads, "late effects": late_effects}
    halted = "" if overview.halt is None else f"; halted: {overview.halt.reason}"
    return ", ".join(f"{number} {noun}" for noun, number in counts.items() if number) + halted


# --- output -----------------------------------------------------------------------------------------------------------


class _Lines:
    """Prints a line of progress every few seconds."""

    def __init__(self, driver: Driver) -> None:
        self._stage, self._next = driver, 0.0

    def __call__(self) -> None:
        driver = self._stage
        if driver.elapsed < self._next:
            return
        self._next = driver.elapsed + _LINE_SECONDS
        done = ", ".join(f"{number} {kind}" for kind, number in sorted(driver.injector.counts.items()))
        typer.echo(f"{driver.elapsed:5.0f} s  {len(driver.host.accepted)} events accepted; {done}")


def _print_counts(driver: Driver) -> None:
    """Print the number of faults, events, changes and reconciliations."""
    typer.echo("")
    for kind, number in sorted(driver.injector.counts.items()):
        typer.echo(f"  {number:4} {kind}")
    published = ", ".join(f"{number} {how}" for how, number in driver.host.counts.items())
    changes = len(driver.services.control.done)
    typer.echo(
        f"  events: {published}, {driver.unpublished} not published, as their customer was late or not connected"
    )
    typer.echo(f"  changes by hand: {changes}, {driver.missed} impossible")
    typer.echo(f"  reconciliations ended with {driver.exits}, {driver.kills} of them killed")
    typer.echo("")


def _judge(driver: Driver, options: Options, evidence: Evidence, findings: list[Finding]) -> Verdict:
    for finding in findings:
        typer.echo(str(finding))
        for line in finding.violations[:_ROWS_SHOWN]:
            typer.echo(f"    {line}")
    violations = sum(len(finding.violations) for finding in findings)
    if violations or options.keep:
        keep(evidence, driver.services.folder / "evidence")
    counts = driver.injector.counts
    kills = counts[FaultKind.KILL] + driver.kills
    line = (
        f"chaos: {options.duration} s, seed {options.seed}, {kills} kills, {counts[FaultKind.OUTAGE]} outages,"
        f" {len(evidence.calls):,} calls, {violations} violations"
    )
    return Verdict(line=line, holds=not violations)
