"""`python -m tests.chaos`: one run, printed as it goes; exits with 1 if anything was violated."""

from random import SystemRandom
from typing import Annotated

import typer

from cobalt_mirror.workers.terminal.signals import exit_on_signal
from tests.chaos.options import Database, Options, Rates
from tests.chaos.place import make_folder
from tests.chaos.run import run_chaos

_DEFAULT, _RATES = Options(), Rates()
_A_MINUTE = "a minute"


def _rate(of_what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=f"{of_what}, {_A_MINUTE}.", min=0, max=600)
    return option


def chaos(
    *,
    duration: Annotated[int, typer.Option(help="For how many seconds things fail.", min=20, max=3600)] = (
        _DEFAULT.duration
    ),
    seed: Annotated[int | None, typer.Option(help="Of the plan; default: a new one each time.")] = None,
    database: Annotated[Database, typer.Option(help="Under the mirror.")] = _DEFAULT.database,
    customers: Annotated[float, _rate("Customers who arrive")] = _RATES.customers,
    dashboard: Annotated[float, _rate("Changes by hand in Cobalt's dashboard")] = _RATES.dashboard,
    kills: Annotated[float, _rate("SIGKILL of workers, relays and web")] = _RATES.kills,
    stops: Annotated[float, _rate("SIGSTOP of them, for 1 to 40 seconds")] = _RATES.stops,
    terms: Annotated[float, _rate("SIGTERM of them")] = _RATES.terms,
    redis_kills: Annotated[float, _rate("Redis killed and started again")] = _RATES.redis_kills,
    redis_flushes: Annotated[float, _rate("Redis flushed")] = _RATES.redis_flushes,
    redis_pauses: Annotated[float, _rate("Redis silent for some seconds")] = _RATES.redis_pauses,
    postgres_restarts: Annotated[float, _rate("PostgreSQL stopped and started again")] = _RATES.postgres_restarts,
    outages: Annotated[float, _rate("Cobalt out of order for 5 to 20 seconds")] = _RATES.outages,
    weathers: Annotated[float, _rate("Other faults of Cobalt's than before")] = _RATES.weathers,
    reconciles: Annotated[float, _rate("Reconciliations, some of them killed")] = _RATES.reconciles,
    faults: Annotated[
        float, typer.Option(help="The greatest share of calls that meets one kind of fault.", min=0, max=1)
    ] = _DEFAULT.faults,
    limit: Annotated[float, typer.Option(help="Cobalt's calls a second.", min=1, max=10_000)] = _DEFAULT.limit,
    burst: Annotated[int, typer.Option(help="Cobalt's calls at once.", min=1, max=10_000)] = _DEFAULT.burst,
    timeout: Annotated[
        float, typer.Option(help="The total time of one call, in seconds; leases outlast two.", min=0.5, max=60)
    ] = _DEFAULT.timeout,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what was seen also when nothing is violated.")] = False,
) -> None:
    """Break everything at random while customers are at work, then look for harm.

    Real parts on the loopback: PostgreSQL or SQLite, Redis, the sandbox, two workers, two relays and web. The same
    seed makes the same plan. The last line sums up; what a violated invariant is about stands above it.
    """
    options = Options(
        duration=duration,
        seed=SystemRandom().randrange(1_000_000) if seed is None else seed,
        database=database,
        limit=limit,
        burst=burst,
        timeout=timeout,
        faults=faults,
        keep=keep,
        rates=Rates(
            customers=customers,
            dashboard=dashboard,
            kills=kills,
            stops=stops,
            terms=terms,
            redis_kills=redis_kills,
            redis_flushes=redis_flushes,
            redis_pauses=redis_pauses,
            postgres_restarts=postgres_restarts,
            outages=outages,
            weathers=weathers,
            reconciles=reconciles,
        ),
    )
    typer.echo(f"chaos on {options.database}, {options.duration} s, seed {options.seed}")
    with exit_on_signal(), make_folder() as folder:
        try:
            verdict = run_chaos(options, folder)
        except Exception:
            (folder / "evidence").mkdir(exist_ok=True)
            typer.echo(f"chaos failed, seed {options.seed}; what its processes said is in {folder}", err=True)
            raise
        if options.keep or not verdict.holds:
            typer.echo(f"seed {options.seed}; everything that was seen is in {folder}")
        typer.echo(verdict.line)
    if not verdict.holds:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(chaos)
