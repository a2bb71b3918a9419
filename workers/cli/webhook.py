"""`cobalt-mirror webhook`: register the mirror's webhook at Cobalt."""

from typing import Annotated

import typer

from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.web_addresses import is_web_address

webhook = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@webhook.callback()
def _group() -> None:
    """Register this mirror's webhook at Cobalt, or repair it.

    \b
    Example:
      cobalt-mirror webhook ensure https://mirror.example.com/webhooks/cobalt
    """


@webhook.command()
def ensure(
    url: Annotated[str, typer.Argument(help="Public URL of POST /webhooks/cobalt, as Cobalt reaches it.")],
) -> None:
    """Register this mirror's webhook at Cobalt, or repair it.

    The webhook gets all of Cobalt's events with their default body, and is enabled. Running it again changes nothing;
    another URL moves the webhook there. The URL is stored, so that `cobalt-mirror status` can warn if the webhook is
    missing, disabled or changed.

    Then it sends a signed test notification to URL, waits up to 10 s for the answer, and prints whether it arrived. If
    not, it prints a warning; the exit code stays 0, as Cobalt may reach what this machine does not.

    \b
    Example:
      cobalt-mirror webhook ensure https://mirror.example.com/webhooks/cobalt
    """
    from cobalt_mirror.workers.ops.delivery import send_test_notification  # noqa: PLC0415 - it loads httpx
    from cobalt_mirror.workers.ops.subscription import subscribe  # noqa: PLC0415

    _check(url)
    settings = ready_for_database()
    action = subscribe(settings, url)
    typer.echo(action if action is not None else f"nothing to do: {url} is registered and enabled")
    delivery = send_test_notification(url, api_key=settings.require_key())
    typer.echo(delivery.sentence if delivery.arrived else f"warning: {delivery.sentence}", err=not delivery.arrived)


def _check(url: str) -> None:
    if not is_web_address(url):
        raise typer.BadParameter("expected an address such as https://mirror.example.com/webhooks/cobalt")
