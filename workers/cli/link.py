"""`cobalt-mirror link`: print a reconnect link of one customer."""

from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.ops.linking import make_link
from cobalt_mirror.workers.ops.readiness import ready_for_database


def link(
    account: Annotated[str, typer.Argument(help="Linked account id: your own id of the customer.")],
    slug: Annotated[str | None, typer.Argument(help="Application that is to be connected again.")] = None,
) -> None:
    """Print a link with which one customer connects again.

    It leads to Cobalt's connect page, which `cobalt-mirror web` makes when the link is opened. It opens for
    RECONNECT_LINK_DAYS, as often as wanted, for anybody who has it: send it to the customer alone.

    \b
    Example:
      PUBLIC_URL=https://mirror.example.com cobalt-mirror link acme slack
    """
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        typer.echo(make_link(engine, settings, account, slug))
    finally:
        engine.dispose()
