"""From a request of the host to the calls: one attempt, with a link to the span of each event that it folds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Fault, SandboxTransport
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp, parse_cloudevent
from cobalt_mirror.workers.telemetry.observing import Observers
from cobalt_mirror.workers.telemetry.tracing import Tracing
from tests.world import World

HOST = TracerProvider(shutdown_on_exit=False).get_tracer("host")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def world(make_world: Callable[..., World], exporter: InMemorySpanExporter) -> Iterator[World]:
    """A world whose worker traces, with a customer who is connected."""
    world = make_world()
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work()
    tracing = Tracing(SimpleSpanProcessor(exporter), service_name="worker")
    observers = Observers((tracing,), tracing)
    transport = SandboxTransport(world.sandbox)
    client = Client(world.key, base_url="http://sandbox.test", transport=transport, watch=observers.called)
    world.attempts = replace(world.attempts, client=client, observers=observers)
    yield world
    observers.close()


def split(exporter: InMemorySpanExporter) -> tuple[list[ReadableSpan], list[ReadableSpan]]:
    """The spans of attempts, and those of calls."""
    spans = exporter.get_finished_spans()
    return [span for span in spans if span.name == "attempt"], [span for span in spans if span.name != "attempt"]


def test_a_request_that_publishes_three_changes_is_linked_to_the_one_attempt_that_folds_them(
    world: World, exporter: InMemorySpanExporter
) -> None:
    with HOST.start_as_current_span("POST /settings") as request:
        changes = [ConfigChanged("acme", "slack", fields={"channel": f"s3cret-{number}"}) for number in range(3)]
        for change in changes:
            world.publish(change)
    with structlog.testing.capture_logs() as lines:
        world.work()

    [attempt], calls = split(exporter)
    context = request.get_span_context()
    linked = [link.context for link in attempt.links]
    assert [(each.trace_id, each.span_id) for each in linked] == [(context.trace_id, context.span_id)] * 3
    named = [(link.attributes or {})["cobalt_mirror.event"] for link in attempt.links]
    assert sorted(map(str, named)) == sorted(change.id for change in changes)
    assert attempt.kind is SpanKind.CONSUMER
    assert attempt.parent is None
    assert dict(attempt.attributes or {})["cobalt_mirror.outcomes"] == ("done", "superseded")
    assert calls
    for call in calls:
        assert call.kind is SpanKind.CLIENT
        assert call.parent is not None
        assert call.parent.span_id == attempt.context.span_id
        assert (call.attributes or {})["http.response.status_code"] == 200
    assert "PUT /api/v2/public/config" in {call.name for call in calls}
    [line] = [line for line in lines if line["event"] == "attempt"]
    assert line["trace_id"] == f"{attempt.context.trace_id:032x}"
    told = json.dumps([json.loads(span.to_json()) for span in (attempt, *calls)])
    assert not any(secret in told for secret in ("s3cret", world.key))


@pytest.mark.parametrize("door", ["cloudevent", "sql", "sql, unreadable"])
def test_a_span_travels_through_every_door(world: World, exporter: InMemorySpanExporter, door: str) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    if door == "cloudevent":
        document = {"specversion": "1.0", "id": "1", "source": "s", "type": "config_changed"}
        data = {"linked_account_id": "acme", "slug": "slack"}
        world.publish(parse_cloudevent(json.dumps({**document, "traceparent": traceparent, "data": data})))
    else:
        written = traceparent if door == "sql" else "not a span, " * 1_000
        world.insert_by_hand(type="config_changed", linked_account_id="acme", slug="slack", traceparent=written)
    world.work()

    [attempt], _ = split(exporter)
    linked = [f"{link.context.trace_id:032x}" for link in attempt.links]
    assert linked == ([] if door == "sql, unreadable" else ["4bf92f3577b34da6a3ce929d0e0e4736"])
    assert {row["status"] for row in world.rows("events")} == {EventStatus.DONE}


def test_a_call_that_fails_is_an_error_in_an_attempt_that_is_none(world: World, exporter: InMemorySpanExporter) -> None:
    world.sandbox.add_faults(Fault(linked_account_id="acme", status=503))
    world.publish(ConfigChanged("acme", "slack", fields={"channel": "alerts"}))
    world.work()

    [attempt], [call] = split(exporter)
    assert call.status.status_code is StatusCode.ERROR
    assert (call.attributes or {})["error.type"] == "ServerError"
    assert attempt.status.status_code is StatusCode.UNSET
    assert (attempt.attributes or {})["cobalt_mirror.outcomes"] == ("retry",)
