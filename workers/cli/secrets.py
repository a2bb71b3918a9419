"""`cobalt-mirror secrets`: say what each encryption key seals, or seal everything with the first one."""

import time
from collections.abc import Callable
from threading import Event
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.rotating import BATCH, Rotated, Rotation
from cobalt_mirror.workers.ops.secret_keys import ROTATE, as_document, examine_keys, rows, sentences
from cobalt_mirror.workers.terminal.output import print_json, print_line
from cobalt_mirror.workers.terminal.signals import stop_on_signal

#: Seconds between two lines of progress.
_LINE_SECONDS = 10.0
#: Exit codes: rows are left that the first key does not seal; Ctrl-C.
_LEFT, _INTERRUPTED = 3, 130

secrets = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@secrets.callback()
def _group() -> None:
    """Say what each key in MIRROR_SECRET_KEYS seals, or rotate them.

    \b
    Example:
      cobalt-mirror secrets status
    """


@secrets.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Say what each key in MIRROR_SECRET_KEYS seals, and what to do about it.

    A key is shown by its fingerprint. Exits with 3 if rows are sealed by a key that is not in MIRROR_SECRET_KEYS, else
    with 0.

    \b
    Example:
      cobalt-mirror secrets status --json
    """
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        report = examine_keys(engine, settings.vault())
    finally:
        engine.dispose()
    if as_json:
        print_json(as_document(report))
    else:
        for sentence in sentences(report):
            print_line("", sentence, indent=0)
    if report.lost:
        raise typer.Exit(_LEFT)


@secrets.command()
def rotate(
    *, batch: Annotated[int, typer.Option(min=1, max=10_000, help="Number of rows in a transaction.")] = BATCH
) -> None:
    """Seal everything with the first key in MIRROR_SECRET_KEYS.

    Works in small batches beside everything else; rows in use are passed over and looked at again. Ctrl-C stops it
    after the batch in progress, and the next run goes on. Exits with 3 if rows are left, which it says.

    \b
    Example:
      cobalt-mirror secrets rotate
    """
    settings = ready_for_database()
    vault = settings.vault()
    if not vault:
        raise NotReady("MIRROR_SECRET_KEYS is not set, so nothing can be sealed; set it, the new key first")
    stop, engine = Event(), create_engine(settings)
    try:
        with stop_on_signal(stop.set):
            rotated = Rotation(engine=engine, vault=vault, batch=batch, stop=stop, show=_lines()).run()
    finally:
        engine.dispose()
    typer.echo(f"{rows(rotated.resealed)} of events sealed with key 1 (fingerprint {vault.key_fingerprints()[0]})")
    if stop.is_set():
        typer.echo("cobalt-mirror: interrupted; run it again to go on", err=True)
        raise typer.Exit(_INTERRUPTED)
    if _says_what_is_left(rotated):
        raise typer.Exit(_LEFT)


def _says_what_is_left(rotated: Rotated) -> bool:
    if rotated.unopened:
        typer.echo(f"{rows(rotated.unopened)} left: no key opens them; see `cobalt-mirror secrets status`", err=True)
    if rotated.in_use:
        typer.echo(f"{rows(rotated.in_use)} left: in use; {ROTATE} again", err=True)
    return bool(rotated.unopened or rotated.in_use)


def _lines(*, monotonic: Callable[[], float] = time.monotonic) -> Callable[[Rotated], None]:
    """Return a function that prints how far it is on standard error, at intervals."""
    written_at = monotonic()

    def show(rotated: Rotated) -> None:
        nonlocal written_at
        if monotonic() - written_at >= _LINE_SECONDS:
            written_at = monotonic()
            typer.echo(f"{rows(rotated.resealed)} sealed so far", err=True)

    return show
