"""The plan of a chaos run: the same for the same options, and all of it within the run."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from cobalt_mirror.events import ConfigChanged, ConnectionRemoved
from tests.chaos.options import Database, Options, Rates
from tests.chaos.plan import make_plan
from tests.chaos.steps import ByHand, FaultKind, FaultStep, Opened, Planned, PoisonRow, Publish, Reconcile, with_ids


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


@pytest.mark.parametrize("database", Database)
def test_rows_that_no_worker_can_read_are_inserted_with_and_without_the_schemas_consent(database: Database) -> None:
    plan = make_plan(Options(duration=600, seed=1, database=database))
    rows = [step for step in plan if isinstance(step, PoisonRow)]

    assert len(rows) == 120
    assert len({step.name for step in rows}) == 120
    assert len({step.row.name for step in rows}) > 10
    assert {step.is_around for step in rows} == {False, True}
    assert all(step.row.reason for step in rows)
    assert not any(step.row.reason.startswith("source, id") for step in rows if step.row.reason)


def test_each_account_that_fails_for_ever_has_events_of_its_own() -> None:
    plan = make_plan(Options(duration=600, seed=1))
    failing = [step.faults[0] for step in plan if isinstance(step, FaultStep) and step.what is FaultKind.ACCOUNT_FAILS]
    accounts = {step.customer for step in plan if isinstance(step, Publish)}

    assert len(failing) == 60
    assert {(rule["answer"], rule["status"]) for rule in failing} == {("error", 500)}
    assert {rule["linked_account_id"] for rule in failing} <= accounts


def test_some_reads_are_behind_by_default() -> None:
    assert 0 < Options().stale < 1


def test_a_rate_of_zero_means_never() -> None:
    options = Options(rates=Rates(kills=0, reconciles=0))

    assert counts(options)[FaultKind.KILL] == 0
    assert not any(isinstance(step, Reconcile) for step in make_plan(options))


def test_sqlite_is_not_restarted() -> None:
    assert counts(Options(database=Database.SQLITE))[FaultKind.POSTGRES_STOP] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_of_the_plan_is_acceptable_and_all_types_are_in_it(seed: int) -> None:
    start = datetime.now(UTC) - timedelta(seconds=600)
    plan = make_plan(Options(duration=600, seed=seed))
    ids = {step.opens: step.opens.name for step in plan if isinstance(step, ByHand) and step.opens is not None}
    planned = [one for step in plan if isinstance(step, Publish) for one in step.events]
    events = [event for one in planned if (event := one.at(start, ids)) is not None]

    assert len(events) == len(planned)
    assert {event.type for event in events} == {
        "user_signed_up",
        "user_deleted",
        "connection_authorized",
        "config_changed",
        "config_removed",
        "connection_removed",
    }
    published = Counter(event.id for event in events)
    assert max(published.values()) == 2
    by_time = sorted(events, key=lambda event: event.occurred_at)
    assert [event.id for event in by_time] != [event.id for event in events]


def test_customers_use_custom_applications_and_several_connections() -> None:
    plan = make_plan(Options(duration=600, seed=1))
    consents = [step for step in plan if isinstance(step, ByHand) and step.action == "connect"]
    removals = [
        one for step in plan if isinstance(step, Publish) for one in step.events if one.kind is ConnectionRemoved
    ]

    assert {"order_desk", "warehouse", "sap", "xero"} <= {step.arguments["slug"] for step in consents}
    assert len({step.arguments["auth_profile_id"] for step in consents if "auth_profile_id" in step.arguments}) == 2
    assert any("connection_id" in step.arguments for step in consents)
    assert {one.fields["slug"] for one in removals if one.fields["connection_id"] is not None} == {"xero"}
    assert any(one.fields["slug"] == "xero" and one.fields["connection_id"] is None for one in removals)


def test_tokens_are_renewed_at_random_and_after_most_removals() -> None:
    def renewals(rates: Rates) -> tuple[int, int, int]:
        """At any time, and after removals; and the number of removals."""
        plan = make_plan(Options(duration=600, seed=1, rates=rates))
        removed = [step for step in plan if isinstance(step, Publish) and step.events[0].kind is ConnectionRemoved]
        at_any_time = [step for step in plan if isinstance(step, ByHand) and step.action == "renew_token"]
        return len(at_any_time), sum(step.then is not None for step in removed), len(removed)

    at_any_time, near, removals = renewals(Rates())

    assert at_any_time > 200
    assert removals / 2 < near < removals
    assert renewals(Rates(renewals=0))[:2] == (0, 0)


def test_what_names_a_connection_waits_until_its_id_is_known() -> None:
    start, opened = datetime(2026, 3, 1, tzinfo=UTC), Opened("acme 1")
    fields = {"linked_account_id": "acme", "slug": "xero", "connection_id": opened}
    step = Publish(at=5.0, events=(Planned(kind=ConfigChanged, id="1", occurred=4.5, fields=fields, skew=-2.0),))

    assert step.events[0].at(start, {}) is None
    event = step.put_off(2.0).events[0].at(start, {opened: "c1"})
    assert isinstance(event, ConfigChanged)
    assert (event.connection_id, event.occurred_at) == ("c1", start + timedelta(seconds=6.5))
    assert with_ids({"slug": "xero"}, {}) == {"slug": "xero"}
