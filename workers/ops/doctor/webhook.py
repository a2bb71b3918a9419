"""The examination of the mirror's webhook: what Cobalt knows of it, and whether a notification arrives."""

from collections.abc import Iterator

from cobalt_mirror.workers.ops.delivery import send_test_notification
from cobalt_mirror.workers.ops.doctor.finding import Finding, fine, warning
from cobalt_mirror.workers.ops.subscription import list_webhook_problems
from cobalt_mirror.workers.settings import Settings

AREA = "webhook"


def examine_webhook(settings: Settings, url: str | None) -> Iterator[Finding]:
    """Ask Cobalt about the webhook, and send it one test notification.

    Args:
        settings: the settings in force, with a key that Cobalt accepts.
        url: the webhook's URL as the database has it; None: none was registered.
    """
    problems = list_webhook_problems(settings, url)
    for problem in problems:
        wrong, _, remedy = problem.partition("; ")
        yield warning(AREA, wrong, remedy or "look at it in Cobalt's dashboard")
    if not problems:
        yield fine(AREA, f"Cobalt sends all notifications to {url}")
    if url is not None:
        delivery = send_test_notification(url, api_key=settings.require_key())
        wrong, _, remedy = delivery.sentence.partition("; ")
        yield fine(AREA, delivery.sentence) if delivery.arrived else warning(AREA, wrong, remedy)
