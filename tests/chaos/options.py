"""The options of a run. They decide the plan."""

from dataclasses import dataclass, field
from enum import StrEnum


class Database(StrEnum):
    """The database under the mirror."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Rates of customers and faults, per minute.

    Attributes:
        customers: New customers.
        dashboard: Changes by hand in Cobalt's dashboard.
        renewals: Renewals of a provider's token by Cobalt, at any time. If there are any, Cobalt also renews tokens
            after some of the calls, and soon after most removals.
        kills: SIGKILLs of a worker, one of its processes, a relay or the web process.
        stops: SIGSTOPs of one of those, for 1 to 40 seconds.
        terms: SIGTERMs of one of those.
        redis_kills: Kills of Redis, which is restarted a moment later.
        redis_flushes: FLUSHALLs.
        redis_pauses: Pauses in which Redis does not answer for some seconds.
        postgres_restarts: Stops of PostgreSQL, orderly or not, each with a restart a moment later.
        outages: Outages of Cobalt, for 5 to 20 seconds.
        fault_changes: Changes of Cobalt's background faults: their kinds and their shares of the calls.
        poison_rows: Rows that no worker can read, inserted by SQL for accounts of their own; half of them come around
            what the schema refuses.
        failing_accounts: Accounts to whose every call Cobalt answers with a 500 until the end of the run.
        reconciles: Runs of `cobalt-mirror reconcile`; some are killed.
    """

    customers: float = 36.0
    dashboard: float = 10.0
    renewals: float = 30.0
    kills: float = 4.0
    stops: float = 2.0
    terms: float = 1.0
    redis_kills: float = 0.5
    redis_flushes: float = 0.5
    redis_pauses: float = 0.5
    postgres_restarts: float = 0.5
    outages: float = 0.5
    fault_changes: float = 4.0
    poison_rows: float = 12.0
    failing_accounts: float = 6.0
    reconciles: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a run.

    Attributes:
        duration: Seconds during which faults are injected. Quiet and the checks come after that.
        seed: Seed of the plan, and of the sandbox's ids and faults.
        limit: Cobalt's rate limit, calls a second.
        burst: Cobalt's burst, calls at once.
        timeout: Total time of one call, in seconds. A lease lasts longer than two.
        faults: Largest share of calls with one kind of background fault.
        stale: Share of reads that are answered as things were three seconds before.
        keep: Whether to keep the evidence even if no invariant is violated.
    """

    duration: int = 120
    seed: int = 0
    database: Database = Database.POSTGRESQL
    limit: float = 20.0
    burst: int = 5
    timeout: float = 3.0
    faults: float = 0.08
    stale: float = 0.1
    keep: bool = False
    rates: Rates = field(default_factory=Rates)

    def times(self, rate: float) -> int:
        """Return how often something happens in the run; at least once, unless its rate is 0."""
        return max(1, round(rate * self.duration / 60)) if rate > 0 else 0
