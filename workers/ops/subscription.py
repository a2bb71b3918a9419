"""The mirror's webhook at Cobalt: register it, repair it, and describe what is wrong with it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cobalt_mirror.cobalt import Client, CobaltError, Webhook
from cobalt_mirror.cobalt.webhooks import DEFAULT_TYPE, EVENT_NAMES
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.notifications import Subscription, find_subscription, record_subscription
from cobalt_mirror.db.state import find_environment
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.settings import Settings

#: How long the call that lists Cobalt's webhooks may take.
_WEBHOOKS_TIMEOUT_SECONDS = 3.0


def subscribe(settings: Settings, url: str) -> str | None:
    """Register or repair the webhook at Cobalt, and store its URL in the database.

    Returns:
        A sentence that says what was changed; None if nothing had to be.

    Raises:
        NotReady: The key belongs to the other environment than the database: set the right key. Or see
            `ensure_subscription`.
        CobaltError: See `ensure_subscription`. The URL is not stored; run it again.
    """
    from cobalt_mirror.workers.clients import create_client  # noqa: PLC0415 - `status` does not wait for Redis's

    engine = create_engine(settings)
    try:
        with reading(engine).begin() as connection:
            before, pinned = find_subscription(connection), find_environment(connection)
        with create_client(settings) as client:
            if pinned is not None and client.environment not in {None, pinned}:
                raise NotReady(
                    f"COBALT_API_KEY is a {client.environment} key and this database mirrors the {pinned} environment; "
                    f"set a {pinned} key, or another DATABASE_URL"
                )
            change = ensure_subscription(client, url, previous_url=None if before is None else before.url)
        if change is not None or before is None or before.url != url:
            with engine.begin() as connection:
                record_subscription(connection, Subscription(url=url, since=datetime.now(UTC)))
    finally:
        engine.dispose()
    return change


def ensure_subscription(client: Client, url: str, *, previous_url: str | None = None) -> str | None:
    """Ensure that Cobalt sends all notifications to `url`. Running it again changes nothing.

    Args:
        client: The client; its key decides the environment.
        url: Public URL of `POST /webhooks/cobalt`, as Cobalt reaches it.
        previous_url: The URL of the webhook so far, so that it is moved; None if there was none.

    Returns:
        A sentence that says what was changed; None if nothing had to be.

    Raises:
        NotReady: Cobalt kept a body of the webhook's own. Correct it there by hand.
        CobaltError: See `Client`. Run it again: it reads before it writes.
    """
    webhooks = client.fetch_webhooks()
    webhook = _find(webhooks, url)
    if webhook is None and previous_url is not None:
        webhook = _find(webhooks, previous_url)
    if webhook is None:
        client.create_webhook(url, EVENT_NAMES)
        return f"registered {url}"
    problems = _problems(webhook)
    if webhook.webhook_url != url:
        problems.insert(0, f"pointed to {webhook.webhook_url}")
    if not problems:
        return None
    events = [*webhook.webhook_events, *_missing(webhook)]
    repaired = client.update_webhook(
        webhook.id, webhook_url=url, webhook_events=events, webhook_type=DEFAULT_TYPE, is_enabled=True
    )
    if repaired.webhook_type != DEFAULT_TYPE:
        raise NotReady(
            f"Cobalt keeps the {repaired.webhook_type} body of webhook {webhook.id} for {url}, and this mirror reads "
            f"the default body only; delete that webhook at Cobalt, then run `cobalt-mirror webhook ensure {url}`"
        )
    return f"repaired {url}, which {' and '.join(problems)}"


def list_webhook_problems(settings: Settings, url: str | None) -> list[str]:
    """Ask Cobalt, and return what is wrong with our webhook there; nothing without a key.

    Args:
        settings: The settings in force.
        url: The URL that was registered; None if none was.
    """
    if not settings.cobalt_api_key.get_secret_value():
        return []
    try:
        with Client(
            settings.require_key(), base_url=settings.cobalt_base_url, timeout_seconds=_WEBHOOKS_TIMEOUT_SECONDS
        ) as client:
            problem = find_problem(client.fetch_webhooks(), url)
    except (CobaltError, ValueError) as error:  # the latter of a proxy or of certificates
        return [f"the webhook could not be checked: {error}"]
    return [] if problem is None else [problem]


def find_problem(webhooks: Sequence[Webhook], url: str | None) -> str | None:
    """Return a sentence that says why notifications do not arrive and what to do; None if the webhook is in order.

    Args:
        webhooks: All webhooks at Cobalt.
        url: The URL of this mirror's webhook; None if it was never registered.
    """
    if url is None:
        return "Cobalt sends no notifications: no webhook is registered; run `cobalt-mirror webhook ensure URL`"
    webhook = _find(webhooks, url)
    repair = f"run `cobalt-mirror webhook ensure {url}`"
    if webhook is None:
        return f"Cobalt has no webhook for {url} any more; {repair}"
    problems = _problems(webhook)
    return f"Cobalt's webhook for {url} {' and '.join(problems)}; {repair}" if problems else None


def _find(webhooks: Sequence[Webhook], url: str) -> Webhook | None:
    """Return the webhook with this URL; of several, the one with the fewest problems."""
    candidates = [webhook for webhook in webhooks if webhook.webhook_url == url]
    return min(candidates, key=lambda webhook: len(_problems(webhook)), default=None)


def _problems(webhook: Webhook) -> list[str]:
    problems = [] if webhook.is_enabled else ["was disabled"]
    if webhook.webhook_type != DEFAULT_TYPE:
        problems.append(f"had a {webhook.webhook_type} body instead of the default one")
    missing = _missing(webhook)
    return [*problems, f"did not send {', '.join(missing)}"] if missing else problems


def _missing(webhook: Webhook) -> list[str]:
    return [name for name in EVENT_NAMES if name not in webhook.webhook_events]
