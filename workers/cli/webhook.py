"""`cobalt-mirror webhook`: has Cobalt notify us."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.subscription import arrange

webhook = typer.Typer(no_args_is_help=True)


@webhook.callback()
def _group() -> None:
    """Have Cobalt notify us of what happens there.

    \b
    Example:
      cobalt-mirror webhook ensure https://mirror.example.com/webhooks/cobalt
    """


@webhook.command()
def ensure(
    url: Annotated[str, typer.Argument(help="Where POST /webhooks/cobalt is served, as Cobalt reaches it.")],
) -> None:
    """Register our webhook at Cobalt, or repair it.

    All five events, enabled. Running it again changes nothing; another URL moves the webhook there. The URL is
    remembered, so that `cobalt-mirror status` can warn when the webhook is missing or disabled.

    \b
    Example:
      cobalt-mirror webhook ensure https://mirror.example.com/webhooks/cobalt
    """
    _check(url)
    did = arrange(ready_for_database(), url)
    typer.echo(did if did is not None else f"nothing to do: {url} is registered and enabled")


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise typer.BadParameter("wants an address such as https://mirror.example.com/webhooks/cobalt")
