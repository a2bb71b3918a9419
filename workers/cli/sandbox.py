"""`cobalt-mirror sandbox`: serve a stand-in for Cobalt, for development, and make a catalogue for it."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cobalt_mirror.cobalt.sandbox import SandboxSettings, serve
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.cli.values import SANDBOX_PORT, json_or_text
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.local.sandbox import keeping, load_state, make_sandbox, state_file
from cobalt_mirror.workers.settings import Settings

sandbox = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@sandbox.callback(invoke_without_command=True)
def serve_sandbox(
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Keep it on the loopback: the control API needs no key.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.", min=0, max=65_535)] = SANDBOX_PORT,
    seed: Annotated[int, typer.Option(help="Seed for random ids, tokens and faults.")] = 0,
    rate_limit: Annotated[bool, typer.Option(help="Answer 429 above 20 calls a second.")] = True,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Setting of the sandbox; repeatable.")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with the applications; default: its own.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that keeps its data; default: see above.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin empty, without the data of the file.")] = False,
    in_memory: Annotated[bool, typer.Option("--in-memory", help="Keep no file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line for each call.")] = False,
) -> None:
    """Serve a stand-in for Cobalt until Ctrl-C, or make a catalogue for it.

    It prints a line for each call of the API: method, path, account, status and milliseconds.
    Its data is kept in the file sandbox.json beside the SQLite database (with PostgreSQL: in var/) if that folder is
    there, else in memory.

    \b
    Example:
      cobalt-mirror sandbox --port 8474 --set password_values=masked
      cobalt-mirror sandbox import applications.toml
      cobalt-mirror sandbox --catalogue applications.toml
    """
    if context.invoked_subcommand is not None:
        return
    if in_memory and (state is not None or fresh):
        raise typer.BadParameter("--in-memory keeps no file, so --state and --fresh have no meaning with it")
    served = make_sandbox(catalogue, seed=seed, settings=read_settings(setting or [], rate_limited=rate_limit))
    file = None if in_memory else state or _default_state_file()
    keeper = None if file is None else load_state(served, file, fresh=fresh)[0]
    with ExitStack() as resources:

        def ready(url: str) -> None:
            if keeper is not None:
                resources.enter_context(keeping(keeper))
            _announce(url, file)

        try:
            serve(host, port, sandbox=served, on_ready=ready, on_call=None if quiet else _print_call)
        except OSError as error:
            text = f"the sandbox cannot listen at {host}, port {port} ({error.strerror}); try --port 0"
            raise NotReady(text) from error


@sandbox.command("import")
def import_applications(
    file: Annotated[Path, typer.Argument(help="TOML file to write; it must not be there yet.")],
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Account to look through; repeatable. Default: the first ten of the listing."),
    ] = None,
) -> None:
    """Make a catalogue of the applications that are enabled at Cobalt.

    Reads from the Cobalt of COBALT_API_KEY and COBALT_BASE_URL, and changes nothing there. Cobalt shows the fields and
    workflows of an application only in a config, so the accounts should have one of each. No values, connections,
    credentials or names of accounts are written; the choices of fields are those that the account sees.

    \b
    Example:
      cobalt-mirror sandbox import applications.toml --account acme
    """
    from cobalt_mirror.workers.ops.catalogue_import import import_catalogue  # noqa: PLC0415 - it loads Redis's client

    imported = import_catalogue(Settings.from_environment(), file, linked_account_ids=account or [])
    typer.echo(f"wrote {len(imported.slugs)} applications to {file}: {', '.join(imported.slugs)}")
    if imported.without_fields:
        slugs = ", ".join(imported.without_fields)
        typer.echo(f"without fields, since no account has a config of these: {slugs}; name one that has with --account")
    if imported.not_connectable:
        slugs = ", ".join(imported.not_connectable)
        typer.echo(f"left out, since they connect neither by oauth2 nor by key: {slugs}")
    for sentence in imported.left_out:
        typer.echo(f"left out of {sentence}")
    typer.echo(f"serve it with: cobalt-mirror sandbox --catalogue {file}")


def read_settings(assignments: list[str], *, rate_limited: bool) -> SandboxSettings:
    """Return the sandbox's settings from `name=value` texts.

    Raises:
        typer.BadParameter: A name is unknown, or a setting does not accept its value.
    """
    values: dict[str, Any] = {"rate_limited": rate_limited}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in SandboxSettings.model_fields:
            raise typer.BadParameter(
                f"--set {assignment}: expected NAME=VALUE, with NAME one of {', '.join(SandboxSettings.model_fields)}"
            )
        values[name] = json_or_text(value)
    try:
        return SandboxSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise typer.BadParameter(f"--set {first['loc'][0]}: {first['msg']}") from None


def _default_state_file() -> Path | None:
    """Return the file beside the database; None if there is no folder of a database, which only `migrate` makes."""
    file = state_file(DatabaseSettings.from_environment())
    return file if file.parent.is_dir() else None


def _print_call(call: CallRecord, ms: float) -> None:
    status = "no answer" if call.status is None else call.status
    account = "-" if call.linked_account_id is None else json.dumps(call.linked_account_id)  # ASCII, for any terminal
    with suppress(OSError):  # nobody reads any more: that is no reason not to answer
        typer.echo(f"{call.method} {call.path} {account} {status} {ms:.1f} ms")


def _announce(url: str, file: Path | None) -> None:
    typer.echo(f"the sandbox listens at {url}; Ctrl-C stops it")
    kept = "in memory, and lost when it stops" if file is None else f"kept in {file}; --fresh begins empty"
    typer.echo(f"  its data is {kept}; open {url} in a browser to see it")
    typer.echo(f"  export COBALT_BASE_URL={url} COBALT_API_KEY={DEFAULT_KEYS['test']}")
