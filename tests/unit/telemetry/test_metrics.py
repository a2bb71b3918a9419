"""What workers and relays count: every kind of attempt, call and message under a label of a closed set."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from cobalt_mirror.cobalt import NoAnswer, RateLimited
from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.cobalt.templates import OTHER
from cobalt_mirror.db import outcomes
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.governor import Lane
from cobalt_mirror.workers.telemetry.metrics import AllProcesses, Metrics
from cobalt_mirror.workers.telemetry.observing import Observers
from cobalt_mirror.workers.telemetry.report import Ending, endings_of
from tests.unit.entries import NOON, at, logged

ANSWERED: dict[str, Any] = {
    "method": "GET",
    "template": "/api/v2/public/application/{slug}",
    "began": 0.0,
    "waited_seconds": 0.2,
    "took_seconds": 0.4,
    "is_sent": True,
    "status": 200,
    "error": None,
    "request_id": "r1",
}

#: What is different of a call, its labels, and whether its duration counts.
CALLS = [
    ({}, "200", True),
    ({"status": 404}, "404", True),
    ({"status": None, "error": NoAnswer, "took_seconds": 9.0}, "none", True),
    ({"status": None, "error": RateLimited, "is_sent": False, "took_seconds": 0.0}, "not_sent", False),
    ({"template": OTHER, "status": 500}, "500", True),
]


def samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by those of its labels."""
    found = [sample for family in registry.collect() for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in found}


@pytest.mark.parametrize(("changes", "status", "is_timed"), CALLS)
def test_a_call_counts_by_method_path_and_status(changes: dict[str, Any], status: str, is_timed: bool) -> None:
    registry = CollectorRegistry()
    exchanged = Exchanged(**{**ANSWERED, **changes})

    Observers((Metrics(registry, lane=Lane.BULK),)).called(exchanged)

    assert samples(registry, "cobalt_mirror_cobalt_calls_total") == {("GET", exchanged.template, status): 1}
    assert samples(registry, "cobalt_mirror_governor_wait_seconds_sum") == {("bulk",): 0.2}
    timed = {(exchanged.template,): exchanged.took_seconds} if is_timed else {}
    assert samples(registry, "cobalt_mirror_cobalt_call_seconds_sum") == timed


EVENT = logged("config_changed", "1")
TYPO = logged("customer-4711-changed", "2")

#: An event, what was written of it at noon and two seconds, and how it counts.
ENDINGS = [
    (EVENT, outcomes.done(EVENT, at=at(2)), Ending(type="config_changed", outcome="done", seconds=2)),
    (EVENT, outcomes.done(EVENT, at=at(-2)), Ending(type="config_changed", outcome="done", seconds=0)),  # clocks
    (EVENT, outcomes.superseded(EVENT, at=at(2)), Ending(type="config_changed", outcome="superseded")),
    (
        EVENT,
        outcomes.retry(EVENT, due_at=at(9), since=NOON, detail="no answer", move=Move.PROVIDER),
        Ending(type="config_changed", outcome="retry"),
    ),
    (EVENT, outcomes.snooze(EVENT, due_at=at(9), detail="later"), Ending(type="config_changed", outcome="snooze")),
    (
        TYPO,
        outcomes.dead(TYPO, at=at(2), detail="unknown", move=Move.OPERATOR),
        Ending(type="unknown", outcome="dead"),
    ),
]


@pytest.mark.parametrize(("event", "update", "ending"), ENDINGS)
def test_an_attempt_counts_by_type_and_outcome(event: Any, update: Any, ending: Ending) -> None:
    assert endings_of([EVENT, TYPO], [update]) == [ending]
    assert endings_of([], [update]) == []

    registry = CollectorRegistry()
    Observers((Metrics(registry),)).attempted([ending, ending])

    assert samples(registry, "cobalt_mirror_attempts_total") == {(ending.type, ending.outcome): 2}
    took = {} if ending.seconds is None else {(ending.type,): 2 * ending.seconds}
    assert samples(registry, "cobalt_mirror_publish_to_mirror_seconds_sum") == took


def test_a_message_counts_by_its_queue() -> None:
    registry = CollectorRegistry()
    observers = Observers((Metrics(registry),))

    for queue in ("checks", "catalogue", "checks"):
        observers.sent(queue)

    assert samples(registry, "cobalt_mirror_messages_sent_total") == {("checks",): 2, ("catalogue",): 1}


def test_a_process_whose_file_is_empty_yet_does_not_end_the_numbers_of_the_others(tmp_path: Path) -> None:
    key = mmap_key("moves", "moves_total", ["queue"], ["checks"], "Messages.")
    for pid, count in ((7, 2.0), (8, 3.0)):
        file = MmapedDict(str(tmp_path / f"counter_{pid}.db"))  # type: ignore[no-untyped-call]
        file.write_value(key, count, 0.0)  # type: ignore[no-untyped-call]
        file.close()  # type: ignore[no-untyped-call]
    (tmp_path / "counter_9.db").touch()  # made, and the process was killed before it had a length
    registry = CollectorRegistry()

    registry.register(AllProcesses(tmp_path))

    assert samples(registry, "moves_total") == {("checks",): 5}
