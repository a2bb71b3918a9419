"""`cobalt-mirror webhook`: has Cobalt notify us."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.notifications import Subscription, find_subscription, record_subscription
from cobalt_mirror.db.state import find_environment
from cobalt_mirror.workers.cli.failures import NotReady
from cobalt_mirror.workers.cli.readiness import ready_for_database
from cobalt_mirror.workers.runtime import create_client
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.subscription import ensure_subscription

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


def arrange(settings: Settings, url: str) -> str | None:
    """Have Cobalt notify a URL, and remember it.

    Returns:
        What was done, in words; None: all was well.

    Raises:
        NotReady: the key is of the other environment than the database.
        CobaltError: see `ensure_subscription`; nothing is remembered.
    """
    engine = create_engine(settings)
    try:
        with reading(engine).begin() as connection:
            before, pinned = find_subscription(connection), find_environment(connection)
        with create_client(settings) as client:
            if pinned is not None and client.environment not in {None, pinned}:
                raise NotReady(
                    f"this database mirrors the {pinned} environment and COBALT_API_KEY is a {client.environment} key"
                )
            did = ensure_subscription(client, url, before=None if before is None else before.url)
        if did is not None or before is None or before.url != url:
            with engine.begin() as connection:
                record_subscription(connection, Subscription(url=url, since=datetime.now(UTC)))
    finally:
        engine.dispose()
    return did


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise typer.BadParameter("wants an address such as https://mirror.example.com/webhooks/cobalt")
