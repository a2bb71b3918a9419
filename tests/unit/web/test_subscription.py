"""Our webhook at Cobalt is registered, repaired and moved, and left alone when all is well."""

from collections.abc import Iterator

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.subscription import ensure_subscription, find_problem
from tests.unit.cobalt.scripted import ScriptedCobalt, answer

URL = "https://mirror.test/webhooks/cobalt"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(rate_limited=False)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client("tk_sandbox", base_url="http://sandbox.test", transport=SandboxTransport(sandbox)) as client:
        yield client


def problem(client: Client, url: str | None = URL) -> str | None:
    return find_problem(client.fetch_webhooks(), url)


def test_all_is_well_after_it_was_ensured(client: Client, sandbox: Sandbox) -> None:
    assert ensure_subscription(client, URL) == f"registered {URL}"
    assert problem(client) is None
    sandbox.reset_ledger()

    assert ensure_subscription(client, URL, previous_url=URL) is None
    assert [call.route for call in sandbox.calls()] == ["list_webhooks"]


def test_events_that_are_missing_are_added_and_the_rest_stays(client: Client) -> None:
    client.create_webhook(URL, EVENT_NAMES[2:4])
    lacking = "Connection Created, Connection Deleted, Workflow Errored, Workflow Stopped, Workflow Timed Out"
    assert f"did not send {lacking}" in (problem(client) or "")

    ensure_subscription(client, URL)

    assert set(client.fetch_webhooks()[0].webhook_events) == set(EVENT_NAMES)
    assert problem(client) is None


def test_a_webhook_of_before_is_subscribed_to_the_events_that_are_new(client: Client, sandbox: Sandbox) -> None:
    client.create_webhook(URL, EVENT_NAMES[:5])
    assert "did not send Workflow Stopped, Workflow Timed Out; run" in (problem(client) or "")

    assert (
        ensure_subscription(client, URL) == f"repaired {URL}, which did not send Workflow Stopped, Workflow Timed Out"
    )

    assert problem(client) is None
    sandbox.reset_ledger()
    assert ensure_subscription(client, URL) is None
    assert [call.route for call in sandbox.calls()] == ["list_webhooks"]


@pytest.mark.parametrize("kind", ["custom", "slack"])
def test_a_webhook_with_a_body_of_its_own_gets_the_default_one(client: Client, kind: str) -> None:
    webhook = client.create_webhook(URL, EVENT_NAMES)
    client.update_webhook(webhook.id, webhook_type=kind, webhook_body={"text": "{{event}}"})
    assert f"Cobalt's webhook for {URL} had a {kind} body instead of the default one; run" in (problem(client) or "")

    said = ensure_subscription(client, URL)

    assert said == f"repaired {URL}, which had a {kind} body instead of the default one"
    (repaired,) = client.fetch_webhooks()
    assert (repaired.id, repaired.webhook_type) == (webhook.id, "default")
    assert problem(client) is None


def test_a_body_that_cobalt_does_not_change_is_said_and_what_to_do_about_it() -> None:
    custom = {"_id": "w1", "webhook_url": URL, "webhook_events": EVENT_NAMES, "webhook_type": "custom"}
    cobalt = ScriptedCobalt(answer([custom]), answer(custom))

    with (
        cobalt.client() as client,
        pytest.raises(
            NotReady, match=r"keeps the custom body of webhook w1 for \S+, .*; delete that webhook at Cobalt, then run"
        ),
    ):
        ensure_subscription(client, URL)

    assert cobalt.body["webhook_type"] == "default"


def test_of_two_with_our_url_the_better_one_is_ours(client: Client) -> None:
    worse = client.create_webhook(URL, EVENT_NAMES)
    client.update_webhook(worse.id, is_enabled=False)
    client.create_webhook(URL, EVENT_NAMES)

    assert problem(client) is None
    assert ensure_subscription(client, URL) is None
    assert [each.is_enabled for each in client.fetch_webhooks()] == [False, True]


def test_a_webhook_that_was_deleted_is_registered_again(client: Client) -> None:
    assert ensure_subscription(client, URL, previous_url=URL) == f"registered {URL}"


def test_a_webhook_at_the_new_url_wins_over_moving_the_old_one(client: Client) -> None:
    client.create_webhook(URL, EVENT_NAMES)
    client.create_webhook(URL + "/new", EVENT_NAMES)

    assert ensure_subscription(client, URL + "/new", previous_url=URL) is None
    assert {each.webhook_url for each in client.fetch_webhooks()} == {URL, URL + "/new"}


def test_a_problem_says_what_to_run(client: Client) -> None:
    assert (
        problem(client, None)
        == "Cobalt sends no notifications: no webhook is registered; run `cobalt-mirror webhook ensure URL`"
    )
    assert problem(client) == f"Cobalt has no webhook for {URL} any more; run `cobalt-mirror webhook ensure {URL}`"
