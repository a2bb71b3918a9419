"""Serves a stand-in for Cobalt in the terminal: its settings, the file with its data, and a line for each call."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxSettings, serve
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.cli.values import json_or_text
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.local.sandbox import keeping, load_state, state_file


def serve_in_terminal(served: Sandbox, *, host: str, port: int, file: Path | None, fresh: bool, quiet: bool) -> None:
    """Serve a sandbox until Ctrl-C, and say where.

    Args:
        served: the sandbox.
        host: the address to listen at.
        port: its port; 0 for a free one.
        file: the file that keeps its data; None: it keeps nothing.
        fresh: whether it begins without the data of the file.
        quiet: whether to print no line for each call.

    Raises:
        NotReady: The port is taken, or the file cannot be used. The text says which.
    """
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


def default_state_file() -> Path | None:
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
