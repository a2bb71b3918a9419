"""The invariants, one a module; each is a plain function over the evidence."""

from collections.abc import Callable, Sequence

from tests.chaos.evidence import Evidence
from tests.chaos.invariants.effects import find_unasked
from tests.chaos.invariants.events import find_lost
from tests.chaos.invariants.feed import find_untold
from tests.chaos.invariants.finding import Finding
from tests.chaos.invariants.history import find_unexplained
from tests.chaos.invariants.leases import find_unleased
from tests.chaos.invariants.limit import find_overruns
from tests.chaos.invariants.meant import find_not_removed
from tests.chaos.invariants.mirror import find_drift
from tests.chaos.invariants.poison import find_poison
from tests.chaos.invariants.removals import find_wrongly_removed
from tests.chaos.invariants.shares import find_overshares

INVARIANTS: Sequence[Callable[[Evidence], Finding]] = (
    find_lost,
    find_drift,
    find_unasked,
    find_wrongly_removed,
    find_not_removed,
    find_unleased,
    find_unexplained,
    find_untold,
    find_overruns,
    find_poison,
    find_overshares,
)

__all__ = ["INVARIANTS", "Finding"]
