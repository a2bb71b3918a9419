"""From which due time on a look of the relay searches. Plain values in, plain values out.

While a transaction is open, PostgreSQL keeps the index entries of all events that were finished since, and a look for
the earliest due one reads every entry before it: 100 ms and more after 200,000 events. So a look begins at the horizon,
before which the look before it found nothing due. What comes to be due before the horizon all the same is found by the
next look at everything. While that costs little, nearly every look is one; at the worst, there is one in a minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cobalt_mirror.db.host_columns import EARLIEST

#: A host's transaction inserts an event and may commit it so much later without being late for the next look.
MARGIN = timedelta(seconds=5)
#: Looks at everything take no more of the time than one part in so many, unless `LONGEST_SECONDS` have passed.
SHARE = 50
#: The longest time between two looks at everything; so long may an event wait that is due before the horizon.
LONGEST_SECONDS = 60.0


@dataclass(slots=True)
class Horizon:
    """What is known from looks so far.

    Attributes:
        at: no work that is due earlier was there at the last look. None: that is not known.
        whole_at: when everything is to be looked at again, by the process's monotonic clock.
    """

    at: datetime | None = None
    whole_at: float = 0.0

    @property
    def bound(self) -> datetime | None:
        """The due time from which on new work is expected. None: that is not known."""
        return None if self.at is None or self.at < EARLIEST + MARGIN else self.at - MARGIN

    def since(self, moment: float) -> datetime | None:
        """Return from which due time on a look at a moment of the monotonic clock searches. None: at everything."""
        return None if moment >= self.whole_at else self.bound

    def looked(self, *, earliest: datetime | None, now: datetime, began: float, ended: float, is_whole: bool) -> None:
        """Take in what a look found.

        Args:
            earliest: when the earliest of the due work was due; None: nothing is due.
            now: the database's time at the look.
            began: when the search began, by the monotonic clock.
            ended: when it ended.
            is_whole: whether it was a look at everything.
        """
        self.at = now if earliest is None else earliest
        if is_whole:
            self.whole_at = ended + min(SHARE * (ended - began), LONGEST_SECONDS)
