"""The judgement of the clocks: those of all machines, the database, Redis and Cobalt should agree."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cobalt_mirror.db.processes import ProcessRow
from cobalt_mirror.events.types import CLOCK_TOLERANCE
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning

AREA = "clocks"
#: How far two clocks may be apart before it is worth a word: below the times that decisions about connections allow.
#: Cobalt's `Date` has no fractions of a second.
SKEW = timedelta(seconds=2)
#: A clock that is further off cannot be worked with: an event of a later time than this is refused.
FAR = CLOCK_TOLERANCE


def judge_clock(
    name: str, there: datetime, *, before: datetime, after: datetime, age: timedelta = timedelta()
) -> Iterator[Finding]:
    """Judge a clock elsewhere, which was read between two times of this machine.

    Args:
        name: whose clock it is.
        there: the time that it showed.
        before: this machine's time when it was asked.
        after: this machine's time when the answer had come.
        age: how old the time may be that it shows, even if its clock is right.
    """
    if there < before - SKEW - age or there > after + SKEW:
        seconds = max((before - there).total_seconds(), (there - after).total_seconds())
        direction = "behind" if there < before else "ahead of"
        yield warning(
            AREA,
            f"the clock of {name} is {seconds:.1f} s {direction} this machine's",
            "have both synchronised (NTP), and then the machines of the other processes",
        )
    else:
        yield fine(AREA, f"{name} and this machine agree within {SKEW.total_seconds():g} s")


def judge_machines(processes: Sequence[ProcessRow], at: datetime) -> Iterator[Finding]:
    """Judge the clocks of the machines of all processes that run, by what each said at its last heartbeat."""
    alive = [process for process in processes if process.is_alive(at) and process.local_at is not None]
    off = [process for process in alive if abs(_skew(process)) > SKEW]
    for host in sorted({process.host for process in off}):
        there = [process for process in off if process.host == host]
        skew = max(map(_skew, there), key=abs)
        named = ", ".join(sorted(f"{process.kind} {process.pid}" for process in there))
        direction = "ahead of" if skew > timedelta() else "behind"
        yield (broken if abs(skew) > FAR else warning)(
            AREA,
            f"the clock of {host} ({named}) is {abs(skew.total_seconds()):,.1f} s {direction} the database's",
            "have both synchronised (NTP)",
        )
    if alive and not off:
        agreed = f"the machines of {len(alive)} processes and the database agree"
        yield fine(AREA, f"{agreed} within {SKEW.total_seconds():g} s")


def _skew(process: ProcessRow) -> timedelta:
    return timedelta() if process.local_at is None else process.local_at - process.seen_at
