"""Our subscription at Cobalt: registers it, repairs it, and says what is wrong with it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cobalt_mirror.cobalt import Client, Webhook
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.notifications import Subscription, find_subscription, record_subscription
from cobalt_mirror.db.state import find_environment
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.runtime import create_client
from cobalt_mirror.workers.settings import Settings


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


def ensure_subscription(client: Client, url: str, *, before: str | None = None) -> str | None:
    """Have Cobalt tell `url` of everything. Running it again changes nothing.

    Args:
        client: whose key's environment is meant.
        url: where `POST /webhooks/cobalt` is served, as Cobalt reaches it.
        before: where the subscription of ours pointed so far, so that it is moved; None: nobody knows of one.

    Returns:
        What was done, in words; None: all was well.

    Raises:
        CobaltError: see `Client`. Run it again: it reads before it writes.
    """
    webhooks = client.fetch_webhooks()
    ours = _find(webhooks, url)
    if ours is None and before is not None:
        ours = _find(webhooks, before)
    if ours is None:
        client.create_webhook(url, EVENT_NAMES)
        return f"registered {url}"
    flaws = _flaws(ours)
    if ours.webhook_url != url:
        flaws.insert(0, f"pointed to {ours.webhook_url}")
    if not flaws:
        return None
    events = [*ours.webhook_events, *_missing(ours)]
    client.update_webhook(ours.id, webhook_url=url, webhook_events=events, is_enabled=True)
    return f"repaired {url}, which {' and '.join(flaws)}"


def find_flaw(webhooks: Sequence[Webhook], url: str | None) -> str | None:
    """What keeps notifications away, in words; None: nothing.

    Args:
        webhooks: all that Cobalt has.
        url: where ours points; None: nobody arranged one.
    """
    if url is None:
        return "nobody arranged that Cobalt notifies us; run `cobalt-mirror webhook ensure URL`"
    ours = _find(webhooks, url)
    mend = f"run `cobalt-mirror webhook ensure {url}`"
    if ours is None:
        return f"Cobalt has no webhook for {url} any more; {mend}"
    flaws = _flaws(ours)
    return f"Cobalt's webhook for {url} {' and '.join(flaws)}; {mend}" if flaws else None


def _find(webhooks: Sequence[Webhook], url: str) -> Webhook | None:
    """The webhook with this address; of several, the one that needs the least repair."""
    return min((each for each in webhooks if each.webhook_url == url), key=lambda each: len(_flaws(each)), default=None)


def _flaws(webhook: Webhook) -> list[str]:
    flaws = [] if webhook.is_enabled else ["was disabled"]
    missing = _missing(webhook)
    return [*flaws, f"lacked {', '.join(missing)}"] if missing else flaws


def _missing(webhook: Webhook) -> list[str]:
    return [name for name in EVENT_NAMES if name not in webhook.webhook_events]
