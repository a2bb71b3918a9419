"""A reconnect link for an operator who sends it to a customer by hand."""

from sqlalchemy import Engine

from cobalt_mirror.db import find_account
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.pauses import knows_application
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.customer import unknown_account
from cobalt_mirror.workers.reconnect import require_link
from cobalt_mirror.workers.settings import Settings


def make_link(engine: Engine, settings: Settings, account: str, slug: str | None) -> str:
    """Return a reconnect link for an account.

    Args:
        engine: Of the database.
        settings: The settings in force.
        account: The customer's linked account id.
        slug: The application that is to be connected again; None: any.

    Raises:
        NotReady: The mirror does not have the account, or nothing has the application. Correct what the text names.
        BadSetting: PUBLIC_URL or MIRROR_SECRET_KEYS is not set. Set it.
    """
    with reading(engine).begin() as connection:
        mirrored = find_account(connection, account)
        is_known = slug is None or knows_application(connection, slug)
    if mirrored is None:
        raise unknown_account(account, settings.described_url())
    if mirrored.status is AccountStatus.DELETED:
        raise NotReady(f"account {account!r} was deleted, so there is nothing to connect again")
    if not is_known:
        raise NotReady(f"neither the catalogue nor the mirror has an application {slug!r}; check the slug")
    return require_link(settings, account, slug)
