"""What can be chosen about a run. Together with the seed it decides the plan."""

from dataclasses import dataclass, field
from enum import StrEnum


class Database(StrEnum):
    """The database under the mirror."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often things happen, each per minute.

    Attributes:
        customers: customers who arrive.
        dashboard: changes by hand in Cobalt's dashboard.
        kills: SIGKILL of a worker, one of its processes, a relay or the web process.
        stops: SIGSTOP of one of those, for 1 to 40 seconds.
        terms: SIGTERM of one of those.
        redis_kills: Redis is killed, and starts again a moment later.
        redis_flushes: FLUSHALL.
        redis_pauses: Redis answers nobody for some seconds.
        postgres_restarts: PostgreSQL is stopped, orderly or not, and starts again a moment later.
        outages: Cobalt answers nothing that makes sense, for 5 to 20 seconds.
        weathers: Cobalt's faults change: which kinds, and what share of the calls meets them.
        reconciles: `cobalt-mirror reconcile`; some are killed.
    """

    customers: float = 36.0
    dashboard: float = 10.0
    kills: float = 4.0
    stops: float = 2.0
    terms: float = 1.0
    redis_kills: float = 0.5
    redis_flushes: float = 0.5
    redis_pauses: float = 0.5
    postgres_restarts: float = 0.5
    outages: float = 0.5
    weathers: float = 4.0
    reconciles: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run.

    Attributes:
        duration: for how long things fail, in seconds. Quiet and the checks come after that.
        seed: of the plan, and of the sandbox's ids and chances.
        limit: Cobalt's calls a second.
        burst: Cobalt's calls at once.
        timeout: the total time of one call, in seconds. Leases are made to outlast two.
        faults: the greatest share of calls that meets one kind of fault.
        keep: keep the evidence also when nothing is violated.
    """

    duration: int = 120
    seed: int = 0
    database: Database = Database.POSTGRESQL
    limit: float = 20.0
    burst: int = 5
    timeout: float = 3.0
    faults: float = 0.08
    keep: bool = False
    rates: Rates = field(default_factory=Rates)

    def times(self, rate: float) -> int:
        """How often something happens in the run, for its rate; once at least, unless it never does."""
        return max(1, round(rate * self.duration / 60)) if rate > 0 else 0
