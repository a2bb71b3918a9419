"""What Sentry gets: an error of ours once in a while, the first dead event of an operator's reason, and no secret."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from sentry_sdk.envelope import Envelope

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.dead_letters import discard
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.telemetry.observing import Observers
from cobalt_mirror.workers.telemetry.sentry import Sentry
from tests.integration.isolation.test_failures import refuse_history
from tests.world import World

DSN = "https://public@sentry.test/1"


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    """Everything that is sent, as it goes over the wire."""
    return []


@pytest.fixture
def world(make_world: Callable[..., World], sent: list[dict[str, Any]]) -> Iterator[World]:
    """A world whose worker reports errors."""

    def collect(envelope: Envelope) -> None:
        sent.extend(json.loads(item.get_bytes()) for item in envelope.items)

    world = make_world()
    sentry = Sentry(DSN, transport=collecting(collect))
    world.attempts = replace(world.attempts, observers=Observers((sentry,)))
    with structlog.testing.capture_logs():  # to write a traceback for a person takes seconds
        yield world
    sentry.close()


def collecting(take: Callable[[Envelope], None]) -> Any:
    """A transport that keeps envelopes in memory."""
    from sentry_sdk.transport import Transport  # noqa: PLC0415

    class Collecting(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            take(envelope)

    return Collecting


def sign_up(account: str) -> UserSignedUp:
    return UserSignedUp(account, name="s3cret-name", udf={}, auth_credentials={"token": "s3cret-token"})


def test_what_cannot_be_saved_is_reported_without_what_was_to_be_saved(
    world: World, sent: list[dict[str, Any]]
) -> None:
    world.publish(sign_up("acme"), sign_up("bolt"))
    refuse_history(world)
    world.work()

    [report] = sent  # the second is the same failure within a minute
    assert report["tags"].items() >= {"type": "user_signed_up", "move": "operator"}.items()
    assert report["tags"]["reason"] == report["exception"]["values"][-1]["type"]
    functions = [frame["function"] for frame in report["exception"]["values"][-1]["stacktrace"]["frames"]]
    assert "attempt" in functions
    assert_no_secret(world, sent)


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_what_a_handler_stumbles_over_is_reported_and_tried_again(world: World, sent: list[dict[str, Any]]) -> None:
    def stumble(_: httpx.Request) -> httpx.Response:
        raise KeyError("s3cret of the request")

    change = ConfigChanged("acme", "slack", fields={"channel": "s3cret-channel"})
    world.publish(sign_up("acme"))
    world.work()
    client = Client(world.key, base_url="http://sandbox.test", transport=httpx.MockTransport(stumble))
    world.attempts = replace(world.attempts, client=client)
    world.publish(change)
    world.work()

    [report] = sent
    assert report["tags"] == {"type": "config_changed", "slug": "slack", "reason": "KeyError", "move": "operator"}
    assert world.event(change)["status"] == "pending"
    assert_no_secret(world, sent)


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_the_first_dead_event_of_a_reason_is_reported_and_again_when_the_others_are_dealt_with(
    world: World, sent: list[dict[str, Any]]
) -> None:
    world.sandbox.add_faults(Fault.model_validate({"status": 400, "error": "BAD_REQUEST", "route": "upsert_account"}))
    for account in ("acme", "bolt", "core"):
        world.publish(sign_up(account))
        world.work()

    [report] = sent
    assert report["tags"].keys() == {"type", "reason", "move"}
    assert (report["tags"]["type"], report["tags"]["move"]) == ("user_signed_up", "operator")
    assert report["tags"]["reason"].startswith("PUT /api/v2/public/linked-account: Cobalt refused the request")
    assert report["message"] == f"dead for the operator: {report['tags']['reason']}"
    assert_no_secret(world, sent)

    with world.engine.begin() as connection:
        keys = [(row["source"], row["id"]) for row in world.rows("events")]
        assert len(discard(connection, keys, by="ann", at=world.clock(), why="a test")) == 3
    world.publish(sign_up("dune"), sign_up("echo"))
    world.work()
    assert len(sent) == 2


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_what_others_have_to_correct_is_not_reported(world: World, sent: list[dict[str, Any]]) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work()
    world.sandbox.connect("acme", "slack")
    refused = ConfigChanged("acme", "slack", fields={"channel": 5})
    world.publish(ConnectionAuthorized("acme", "slack"), refused)
    world.work()
    world.sandbox.add_faults(Fault(linked_account_id="acme", status=503))
    failing = ConfigChanged("acme", "slack", fields={"mention": "@here"})
    world.publish(failing)
    world.work()

    assert (world.event(refused)["move"], world.event(failing)["move"]) == ("customer", "provider")
    assert sent == []


def assert_no_secret(world: World, sent: list[dict[str, Any]]) -> None:
    told = json.dumps(sent)
    assert not [
        word for word in ("s3cret", world.key, world.secret_keys, "acme", "vars", "context_line") if word in told
    ]
