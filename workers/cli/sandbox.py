"""`cobalt-mirror sandbox`: serve a stand-in for Cobalt, for development."""

from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxSettings, serve
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS
from cobalt_mirror.workers.cli.values import json_or_text
from cobalt_mirror.workers.errors import NotReady

DEFAULT_PORT = 8474


def sandbox(
    host: Annotated[
        str, typer.Option(help="Address to listen on. Keep it on the loopback: the control API needs no key.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.", min=0, max=65_535)] = DEFAULT_PORT,
    seed: Annotated[int, typer.Option(help="Seed for random ids, tokens and faults.")] = 0,
    rate_limit: Annotated[bool, typer.Option(help="Answer 429 above 20 calls a second.")] = True,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Setting of the sandbox; repeatable.")
    ] = None,
) -> None:
    """Serve a stand-in for Cobalt until Ctrl-C.

    Its data is in memory and lost when it stops.

    \b
    Example:
      cobalt-mirror sandbox --port 8474 --set password_values=masked
    """
    state = Sandbox(seed=seed, settings=read_settings(setting or [], rate_limited=rate_limit))
    try:
        serve(host, port, sandbox=state, on_ready=_announce)
    except OSError as error:
        raise NotReady(f"the sandbox cannot listen at {host}, port {port} ({error.strerror}); try --port 0") from error


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


def _announce(url: str) -> None:
    typer.echo(f"the sandbox listens at {url}; Ctrl-C stops it")
    typer.echo(f"  export COBALT_BASE_URL={url} COBALT_API_KEY={DEFAULT_KEYS['test']}")
