"""One run: start the parts, carry out the plan, wait until all is quiet, reconcile, judge."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.workers.ops.overview import read_overview
from tests.chaos.audit import install
from tests.chaos.damage import Damage
from tests.chaos.evidence import Evidence, collect, keep
from tests.chaos.harms import WORKERS
from tests.chaos.host import Host
from tests.chaos.invariants import INVARIANTS, Finding
from tests.chaos.options import Options
from tests.chaos.place import WORKER_PROCESSES, Place, open_place
from tests.chaos.plan import make_plan
from tests.chaos.stage import Stage
from tests.chaos.steps import What
from tests.commands import children_of
from tests.waiting import wait_until

#: Between two lines that tell how far it is, in seconds.
_LINE_SECONDS = 5.0
#: Quiet must come within this and half of the run's duration, in seconds.
_QUIET_SECONDS = 120.0
#: How often a last reconciliation that found something in flight, or the place taken, is begun again.
_TRIES, _AGAIN_SECONDS = 12, 15.0
#: How many rows of a violated invariant are printed; all are among the evidence.
_ROWS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run came to."""

    line: str
    holds: bool


def run_chaos(options: Options, folder: Path) -> Verdict:
    """Do one run and print what it found."""
    plan = make_plan(options)
    with open_place(options, folder) as place:
        _begin(place)
        closing = threading.Event()
        start = datetime.now(UTC)
        host = Host(engine=place.engine, start=start, closing=closing)
        damage = Damage(processes=place.processes, redis=place.redis, postgres=place.postgres, knobs=place.knobs)
        stage = Stage(place=place, host=host, damage=damage, start=start, duration=options.duration, closing=closing)
        stage.perform(plan, show=_Lines(stage))
        damage.mend()
        findings = [_settle(stage, options)]
        evidence = collect(options, place, host, damage)
        _tell(stage)
        findings += [judge(evidence) for judge in INVARIANTS]
        return _judge(stage, options, evidence, findings)


def _begin(place: Place) -> None:
    place.processes.run_release()
    install(place.engine, place.settings.mirror_schema)
    ensured = place.begin_command("webhook", "ensure", f"{place.door}/webhooks/cobalt")
    if ensured.wait():
        raise RuntimeError(f"the webhook was not registered: {(place.folder / 'commands.log').read_text()}")
    place.reaper.forget(ensured.pid)
    place.processes.start()
    wait_until(lambda: _is_ready(place), timeout_seconds=_QUIET_SECONDS)


def _is_ready(place: Place) -> bool:
    """Whether the web process answers, and every worker has its processes."""
    pids = place.processes.pids
    workers = [pids[name] for name in WORKERS if name in pids]
    at_work = [one for one in workers if len(children_of(one)) >= WORKER_PROCESSES]
    return len(at_work) == len(WORKERS) and place.answers()


# --- quiet ------------------------------------------------------------------------------------------------------------


def _settle(stage: Stage, options: Options) -> Finding:
    """Wait until nothing is waiting, reconcile, and wait again for what that set going."""
    deadline = time.monotonic() + _QUIET_SECONDS + options.duration / 2
    violations = _wait_until_quiet(stage, deadline)
    exits: list[int] = []
    while not violations and len(exits) < _TRIES:
        exits.append(stage.reconcile("--deep"))
        typer.echo(f"{stage.elapsed:5.0f} s  reconcile --deep ended with {exits[-1]}")
        if exits[-1] == 0:
            break
        stage.closing.wait(_AGAIN_SECONDS)
    if not violations and exits[-1] != 0:
        violations = [f"reconcile --deep ended with {exits}"]
    violations = violations or _wait_until_quiet(stage, deadline + _QUIET_SECONDS)
    return Finding(name="all comes to rest", counts={"last reconciliations": len(exits)}, violations=violations)


def _wait_until_quiet(stage: Stage, deadline: float) -> list[str]:
    """Wait until no event is pending, no check is left and no effect is on its way."""
    told_at = 0.0
    while True:
        waiting = _waiting(stage)
        if not waiting:
            return []
        if time.monotonic() > deadline:
            return [f"still waiting: {waiting}"]
        if time.monotonic() - told_at > _LINE_SECONDS:
            told_at = time.monotonic()
            typer.echo(f"{stage.elapsed:5.0f} s  waiting for quiet: {waiting}")
        stage.closing.wait(0.2)


def _waiting(stage: Stage) -> str:
    try:
        found = read_overview(stage.place.engine)
    except SQLAlchemyError as error:  # it has just been started again
        return f"the database ({type(error).__name__})"
    counts = {"events": found.pending, "checks": found.rereads, "late effects": stage.place.knobs.late_effects()}
    halted = "" if found.halt is None else f"; halted: {found.halt.reason}"
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number) + halted


# --- telling ----------------------------------------------------------------------------------------------------------


class _Lines:
    """Prints a line now and then."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._next = stage, 0.0

    def __call__(self) -> None:
        stage = self._stage
        if stage.elapsed < self._next:
            return
        self._next = stage.elapsed + _LINE_SECONDS
        done = ", ".join(f"{number} {what}" for what, number in sorted(stage.damage.counts.items()))
        typer.echo(f"{stage.elapsed:5.0f} s  {len(stage.host.accepted)} events accepted; {done}")


def _tell(stage: Stage) -> None:
    """What was done to it, in all."""
    typer.echo("")
    for what, number in sorted(stage.damage.counts.items()):
        typer.echo(f"  {number:4} {what}")
    published = ", ".join(f"{number} {how}" for how, number in stage.host.counts.items())
    typer.echo(f"  events: {published}; changes by hand: {len(stage.place.knobs.done)}, {stage.missed} impossible")
    typer.echo(f"  reconciliations ended with {stage.exits}, {stage.kills} of them killed")
    typer.echo("")


def _judge(stage: Stage, options: Options, evidence: Evidence, findings: list[Finding]) -> Verdict:
    for finding in findings:
        typer.echo(str(finding))
        for line in finding.violations[:_ROWS_SHOWN]:
            typer.echo(f"    {line}")
    violations = sum(len(finding.violations) for finding in findings)
    if violations or options.keep:
        keep(evidence, stage.place.folder / "evidence")
    counts = stage.damage.counts
    kills = counts[What.KILL] + stage.kills
    line = (
        f"chaos: {options.duration} s, seed {options.seed}, {kills} kills, {counts[What.OUTAGE]} outages,"
        f" {len(evidence.calls):,} calls, {violations} violations"
    )
    return Verdict(line=line, holds=not violations)
