"""`cobalt-mirror reconcile`: compare the mirror with Cobalt and repair the differences."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from cobalt_mirror.db.errors import PlaceTaken
from cobalt_mirror.workers import logs
from cobalt_mirror.workers.cli.reconcile_progress import progress
from cobalt_mirror.workers.cli.reconcile_summary import summary
from cobalt_mirror.workers.cli.values import age
from cobalt_mirror.workers.ops.readiness import ready_for_work
from cobalt_mirror.workers.reconcile import Ending, Options, Report, ShowProgress
from cobalt_mirror.workers.reconcile.progress import show_nothing
from cobalt_mirror.workers.terminal.output import console, print_json, print_table
from cobalt_mirror.workers.terminal.signals import exit_on_signal
from cobalt_mirror.workers.terminal.words import cell, count_of

#: The exit code when another run is under way.
PLACE_TAKEN = 3


def reconcile(
    *,
    account: Annotated[
        str | None, typer.Option(help="Account to compare, with everything under it; all when left out.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare the configs of every connection, not of a sample.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; print the differences, field by field.")
    ] = False,
    older_than: Annotated[
        timedelta | None,
        typer.Option(
            parser=age,
            metavar="AGE",
            help="Only accounts that were last verified longer ago than this, such as 24h.",
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Continue even if many accounts or connections seem deleted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing if the exit code is 0.")] = False,
) -> None:
    """Compare the mirror with Cobalt and repair it. Made for cron.

    Walks Cobalt's listing, adds accounts that the mirror lacks, and reads again whatever seems to differ. The next run
    with the same options resumes one that was killed. A plain run reads the configs of a part of the connections, so
    that each is read within RECONCILE_CONFIGS_WITHIN_HOURS; it says how many were read, and when the oldest was.
    Exits with 0 if no difference is left in what was compared, 1 if the run did not finish, 2 if differences remain or
    could not be looked for, 3 if another run is under way.

    \b
    Example:
      cobalt-mirror reconcile --dry-run --json
    """
    if account is not None and older_than is not None:
        raise typer.BadParameter("--account and --older-than cannot be combined; leave one out")
    options = Options(account=account, deep=deep, dry_run=dry_run, older_than=older_than, allow_missing=allow_missing)
    report = _run(options, quiet=quiet)
    if quiet and report.ending is Ending.IN_AGREEMENT:
        return
    if as_json:
        print_json(_document(report))
    else:
        _print(report, options)
    raise typer.Exit(int(report.ending))


def _run(options: Options, *, quiet: bool) -> Report:
    """Reconcile; a quiet run shows no progress, and logs errors only."""
    from cobalt_mirror.workers.ops.reconciling import run_reconciliation  # noqa: PLC0415 - `--help` does not wait for it

    try:
        settings = ready_for_work()
        logs.configure("error" if quiet else settings.log_level, settings.log_format)
        shown: AbstractContextManager[ShowProgress] = (
            nullcontext(show_nothing) if quiet else progress(Console(stderr=True))
        )
        with exit_on_signal(), shown as show_progress:
            return run_reconciliation(settings, options, show_progress=show_progress)
    except PlaceTaken as error:
        typer.echo(f"cobalt-mirror: {error}", err=True)
        raise typer.Exit(PLACE_TAKEN) from None


def _document(report: Report) -> dict[str, Any]:
    return {
        "run": report.run,
        "ending": _ending(report),
        "compared": {"everything": report.is_whole, "accounts": report.run.compared, "configs": report.configs},
        "differences": list(report.differences),
        "unmapped_applications": [{"app_id": app_id, "name": name} for app_id, name in sorted(report.unmapped.items())],
        "returned": {"accounts": report.returned, "first": report.first_returned},
    }


def _ending(report: Report) -> str:
    """Return the ending in a word. Agreement is said of nothing that was not compared."""
    is_part = report.ending is Ending.IN_AGREEMENT and not report.is_whole
    return "no_difference_left" if is_part else report.ending.name.lower()


def _print(report: Report, options: Options) -> None:
    run, screen = report.run, console()
    if options.dry_run and report.differences:
        columns = ("what", "account", "application", "config", "column", "mirror", "Cobalt", "")
        rows = [
            (d.what, d.linked_account_id, d.slug, d.config_id, d.column, d.mirror, d.cobalt, _proof(d.is_proved))
            for d in report.differences
        ]
        print_table(screen, "differences", columns, rows)
        screen.print()
    screen.print(
        f"run {run.id}: {run.pages} pages, {run.compared} accounts compared, {run.adopted} adopted,"
        f" {run.repaired} subjects repaired, {run.left} left, {run.calls} calls"
    )
    if run.resumes is not None:
        screen.print(f"resumed run {run.resumes}; its pages are not counted here")
    if run.unmapped:
        screen.print(_unmapped(report), soft_wrap=True)
    if run.finished_at is None:
        screen.print(f"did not finish: {run.stopped_because}")
    elif options.dry_run:
        screen.print(f"{len(report.differences)} differences")
    if run.finished_at is not None and run.left:
        screen.print(
            "the subjects left could not be read, because Cobalt failed, a worker holds them, or their application is"
            " not enabled; the workers and the next run retry them",
            soft_wrap=True,
        )
    if run.finished_at is not None:
        for line in summary(report):
            screen.print(line, soft_wrap=True)


def _unmapped(report: Report) -> str:
    named = [
        f"app_id {app_id}" if name is None else f"{name} (app_id {app_id})"
        for app_id, name in sorted(report.unmapped.items())
    ]
    which = f": {cell(', '.join(named))}" if named else ""
    return (
        f"{count_of(report.run.unmapped, 'connection')} not compared, because Cobalt's catalogue does not have their"
        f" custom application{which}; enable it in Cobalt's dashboard or, if it is your organisation's default"
        " application, set COBALT_DEFAULT_APP_ID to its app_id; then run reconcile again"
    )


def _proof(is_proved: bool) -> str:
    return "" if is_proved else "from the listing, not verified"
