"""The judgement of what our own processes do: what runs, what waits, and when everything was compared last."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cobalt_mirror.db.processes import ProcessRow
from cobalt_mirror.workers.ops.actions import Action
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from cobalt_mirror.workers.terminal.words import ago

#: A complete reconciliation that is older, for one a day and an hour of grace and one of its own.
LONG_WITHOUT_PASS = timedelta(hours=26)


def judge_processes(processes: Sequence[ProcessRow], at: datetime) -> Iterator[Finding]:
    """Judge which processes run, and whether they are of one release."""
    alive = [process for process in processes if process.is_alive(at)]
    counted = Counter(str(process.kind) for process in alive)
    running = ", ".join(f"{number} {kind}" for kind, number in sorted(counted.items())) or "none"
    releases = sorted({process.release for process in alive})
    if len(releases) > 1:
        yield warning(
            "processes", f"{running} run, of several releases: {', '.join(releases)}", "restart those of the older ones"
        )
    else:
        yield fine("processes", f"running: {running}{f', release {releases[0]}' if releases else ''}")


def judge_work(actions: Sequence[Action]) -> Iterator[Finding]:
    """Judge the work as `status` does."""
    for action in actions:
        wrong, _, remedy = action.text.rpartition("; ")
        yield broken("work", wrong or action.text, remedy if wrong else "see `cobalt-mirror status`")
    if not actions:
        yield fine("work", "nothing waits for you; see `cobalt-mirror status`")


def judge_pass(passed_at: datetime | None, at: datetime, *, has_accounts: bool) -> Finding:
    """Judge when everything was compared with Cobalt for the last time."""
    area, remedy = "reconcile", "have cron or systemd run `cobalt-mirror reconcile --quiet` (docs/operations.md)"
    if passed_at is None:
        return warning(area, "never complete", remedy) if has_accounts else fine(area, "nothing to compare yet")
    text = f"the last complete run began {ago(passed_at, at)} ago"
    return warning(area, text, remedy) if at - passed_at > LONG_WITHOUT_PASS else fine(area, text)
