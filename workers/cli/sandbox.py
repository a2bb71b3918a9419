"""`cobalt-mirror sandbox`: serve a stand-in for Cobalt, for development, and make a catalogue for it."""

from pathlib import Path
from typing import Annotated

import typer

from cobalt_mirror.workers.cli.values import SANDBOX_PORT
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
    # Only now: `--help` does not wait for a server.
    from cobalt_mirror.workers.cli.sandbox_serving import (  # noqa: PLC0415
        default_state_file,
        read_settings,
        serve_in_terminal,
    )
    from cobalt_mirror.workers.local.sandbox import make_sandbox  # noqa: PLC0415

    served = make_sandbox(catalogue, seed=seed, settings=read_settings(setting or [], rate_limited=rate_limit))
    file = None if in_memory else state or default_state_file()
    serve_in_terminal(served, host=host, port=port, file=file, fresh=fresh, quiet=quiet)


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
