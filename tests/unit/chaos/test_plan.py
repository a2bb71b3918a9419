"""The plan of a chaos run: the same for the same options, and all of it within the run."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.options import Database, Options, Rates
from tests.chaos.plan import make_plan
from tests.chaos.steps import FaultKind, FaultStep, Publish, Reconcile


def counts(options: Options) -> Counter[FaultKind]:
    return Counter(step.what for step in make_plan(options) if isinstance(step, FaultStep))


def test_the_same_options_make_the_same_plan() -> None:
    assert make_plan(Options(seed=7)) == make_plan(Options(seed=7))


def test_another_seed_makes_another_plan() -> None:
    assert make_plan(Options(seed=7)) != make_plan(Options(seed=8))


def test_ten_minutes_have_enough_faults() -> None:
    planned = counts(Options(duration=600, seed=1))

    assert planned[FaultKind.KILL] >= 20
    assert planned[FaultKind.OUTAGE] >= 3
    assert all(planned[what] for what in FaultKind)


def test_what_is_broken_is_mended() -> None:
    planned = counts(Options(duration=600, seed=1))

    assert planned[FaultKind.STOP] == planned[FaultKind.GO_ON]
    assert planned[FaultKind.REDIS_KILL] == planned[FaultKind.REDIS_START]
    assert planned[FaultKind.REDIS_STOP] == planned[FaultKind.REDIS_GO_ON]
    assert planned[FaultKind.POSTGRES_STOP] == planned[FaultKind.POSTGRES_START]
    assert planned[FaultKind.OUTAGE] == planned[FaultKind.OUTAGE_ENDS]


def test_a_rate_of_zero_means_never() -> None:
    options = Options(rates=Rates(kills=0, reconciles=0))

    assert counts(options)[FaultKind.KILL] == 0
    assert not any(isinstance(step, Reconcile) for step in make_plan(options))


def test_sqlite_is_not_restarted() -> None:
    assert counts(Options(database=Database.SQLITE))[FaultKind.POSTGRES_STOP] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_of_the_plan_is_acceptable_and_all_types_are_in_it(seed: int) -> None:
    start = datetime.now(UTC) - timedelta(seconds=600)
    planned = [step for step in make_plan(Options(duration=600, seed=seed)) if isinstance(step, Publish)]
    events = [one.at(start) for step in planned for one in step.events]

    assert {event.type for event in events} == {
        "user_signed_up",
        "user_deleted",
        "connection_authorized",
        "config_changed",
        "connection_removed",
    }
    published = Counter(event.id for event in events)
    assert max(published.values()) == 2
    by_time = sorted(events, key=lambda event: event.occurred_at)
    assert [event.id for event in by_time] != [event.id for event in events]
