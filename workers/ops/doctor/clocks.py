"""The judgement of the clocks: those of this machine, the database, Redis and Cobalt should agree."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cobalt_mirror.workers.ops.doctor.finding import Finding, fine, warning

AREA = "clocks"
#: How far two clocks may be apart before it is worth a word: below the times that decisions about connections allow.
#: Cobalt's `Date` has no fractions of a second.
SKEW = timedelta(seconds=2)


def judge_clock(name: str, there: datetime, *, before: datetime, after: datetime) -> Iterator[Finding]:
    """Judge a clock elsewhere, which was read between two times of this machine.

    Args:
        name: whose clock it is.
        there: the time that it showed.
        before: this machine's time when it was asked.
        after: this machine's time when the answer had come.
    """
    if there < before - SKEW or there > after + SKEW:
        seconds = max((before - there).total_seconds(), (there - after).total_seconds())
        direction = "behind" if there < before else "ahead of"
        yield warning(
            AREA,
            f"the clock of {name} is {seconds:.1f} s {direction} this machine's",
            "have both synchronised (NTP), and then the machines of the other processes",
        )
    else:
        yield fine(AREA, f"{name} and this machine agree within {SKEW.total_seconds():g} s")
