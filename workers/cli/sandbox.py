"""`cobalt-mirror sandbox`: a stand-in for Cobalt to develop against."""

import json
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cobalt_mirror.cobalt.sandbox import Sandbox, Settings, serve
from cobalt_mirror.cobalt.sandbox.knobs import DEFAULT_KEYS
from cobalt_mirror.workers.errors import NotReady

DEFAULT_PORT = 8474


def sandbox(
    host: Annotated[str, typer.Option(help="Where to listen. The knobs need no key: stay on the loopback.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="0 for a free one.", min=0, max=65_535)] = DEFAULT_PORT,
    seed: Annotated[int, typer.Option(help="Of ids, tokens and every chance.")] = 0,
    rate_limit: Annotated[bool, typer.Option(help="Answer 429 beyond 20 calls a second.")] = True,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A switch of the sandbox; may be repeated.")
    ] = None,
) -> None:
    """Serve a stand-in for Cobalt until Ctrl-C. It forgets everything when it ends.

    \b
    Example:
      cobalt-mirror sandbox --port 8474 --set password_values=masked
    """
    served = Sandbox(seed=seed, settings=read_settings(setting or [], rate_limited=rate_limit))
    try:
        serve(host, port, sandbox=served, on_ready=_announce)
    except OSError as error:
        raise NotReady(f"the sandbox cannot listen at {host}, port {port} ({error.strerror}); try --port 0") from error


def read_settings(assignments: list[str], *, rate_limited: bool) -> Settings:
    """The sandbox's settings out of `name=value` texts.

    Raises:
        typer.BadParameter: there is no such setting, or it does not take the value.
    """
    given: dict[str, Any] = {"rate_limited": rate_limited}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in Settings.model_fields:
            raise typer.BadParameter(
                f"--set {assignment}: wants NAME=VALUE, NAME of {', '.join(Settings.model_fields)}"
            )
        given[name] = json_or_text(value)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise typer.BadParameter(f"--set {first['loc'][0]}: {first['msg']}") from None


def json_or_text(value: str) -> Any:
    """The value that the text is as JSON, else the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _announce(url: str) -> None:
    typer.echo(f"the sandbox answers at {url}; Ctrl-C ends it")
    typer.echo(f"  export COBALT_BASE_URL={url} COBALT_API_KEY={DEFAULT_KEYS['test']}")
