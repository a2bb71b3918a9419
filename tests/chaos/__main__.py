"""`python -m tests.chaos`: run once, print progress, and exit with 1 if an invariant was violated."""

from random import SystemRandom
from typing import Annotated

import typer

from cobalt_mirror.workers.terminal.signals import exit_on_signal
from tests.chaos.options import Database, Options, Rates
from tests.chaos.run import run_chaos
from tests.chaos.services import make_folder

_DEFAULT, _RATES = Options(), Rates()
_A_MINUTE = "a minute"


def _rate(of_what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=f"{of_what}, {_A_MINUTE}.", min=0, max=600)
    return option


def chaos(
    *,
    duration: Annotated[int, typer.Option(help="Seconds during which faults are injected.", min=20, max=3600)] = (
        _DEFAULT.duration
    ),
    seed: Annotated[int | None, typer.Option(help="Seed of the plan; a new one each time when left out.")] = None,
    database: Annotated[Database, typer.Option(help="Database of the mirror.")] = _DEFAULT.database,
    customers: Annotated[float, _rate("Customers who arrive")] = _RATES.customers,
    dashboard: Annotated[float, _rate("Changes by hand in Cobalt's dashboard")] = _RATES.dashboard,
    renewals: Annotated[float, _rate("Renewals of a provider's token by Cobalt")] = _RATES.renewals,
    kills: Annotated[float, _rate("SIGKILLs of workers, relays and web")] = _RATES.kills,
    stops: Annotated[float, _rate("SIGSTOPs of them, for 1 to 40 seconds")] = _RATES.stops,
    terms: Annotated[float, _rate("SIGTERMs of them")] = _RATES.terms,
    redis_kills: Annotated[float, _rate("Kills and restarts of Redis")] = _RATES.redis_kills,
    redis_flushes: Annotated[float, _rate("Flushes of Redis")] = _RATES.redis_flushes,
    redis_pauses: Annotated[float, _rate("Pauses of Redis for some seconds")] = _RATES.redis_pauses,
    postgres_restarts: Annotated[float, _rate("Restarts of PostgreSQL")] = _RATES.postgres_restarts,
    outages: Annotated[float, _rate("Outages of Cobalt for 5 to 20 seconds")] = _RATES.outages,
    fault_changes: Annotated[float, _rate("Changes of Cobalt's background faults")] = _RATES.fault_changes,
    poison_rows: Annotated[float, _rate("Rows that no worker can read, inserted by SQL")] = _RATES.poison_rows,
    failing_accounts: Annotated[float, _rate("Accounts that get only 500s from Cobalt")] = _RATES.failing_accounts,
    reconciles: Annotated[float, _rate("Reconciliations, some of them killed")] = _RATES.reconciles,
    faults: Annotated[
        float, typer.Option(help="Largest share of calls with one kind of background fault.", min=0, max=1)
    ] = _DEFAULT.faults,
    stale: Annotated[
        float, typer.Option(help="Share of reads that are three seconds behind.", min=0, max=1)
    ] = _DEFAULT.stale,
    limit: Annotated[
        float, typer.Option(help="Cobalt's rate limit, calls a second.", min=1, max=10_000)
    ] = _DEFAULT.limit,
    burst: Annotated[int, typer.Option(help="Cobalt's burst, calls at once.", min=1, max=10_000)] = _DEFAULT.burst,
    timeout: Annotated[
        float, typer.Option(help="Total time of one call, in seconds; a lease lasts longer than two.", min=0.5, max=60)
    ] = _DEFAULT.timeout,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the evidence even if no invariant is violated.")] = False,
) -> None:
    """Inject random faults while customers are active, then check the invariants.

    Starts PostgreSQL or SQLite, Redis, the sandbox, two workers, two relays and web on the loopback. The same seed
    makes the same plan. The last line is the summary; the details of violated invariants are above it.
    """
    options = Options(
        duration=duration,
        seed=SystemRandom().randrange(1_000_000) if seed is None else seed,
        database=database,
        limit=limit,
        burst=burst,
        timeout=timeout,
        faults=faults,
        stale=stale,
        keep=keep,
        rates=Rates(
            customers=customers,
            dashboard=dashboard,
            renewals=renewals,
            kills=kills,
            stops=stops,
            terms=terms,
            redis_kills=redis_kills,
            redis_flushes=redis_flushes,
            redis_pauses=redis_pauses,
            postgres_restarts=postgres_restarts,
            outages=outages,
            fault_changes=fault_changes,
            poison_rows=poison_rows,
            failing_accounts=failing_accounts,
            reconciles=reconciles,
        ),
    )
    typer.echo(f"chaos on {options.database}, {options.duration} s, seed {options.seed}")
    with exit_on_signal(), make_folder() as folder:
        try:
            verdict = run_chaos(options, folder)
        except Exception:
            (folder / "evidence").mkdir(exist_ok=True)
            typer.echo(f"chaos failed, seed {options.seed}; the logs of its processes are in {folder}", err=True)
            raise
        if options.keep or not verdict.holds:
            typer.echo(f"seed {options.seed}; the evidence is in {folder}")
        typer.echo(verdict.line)
    if not verdict.holds:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(chaos)
