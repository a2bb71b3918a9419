"""The invariants of a chaos run: each must see its violation, and must not see one where all is well."""

from dataclasses import replace
from typing import Any

import pytest

from cobalt_mirror.events import ConfigChanged, UserDeleted, UserSignedUp
from tests.chaos.control_client import ManualChange
from tests.chaos.evidence import Evidence
from tests.chaos.injector import InjectedFault
from tests.chaos.invariants.effects import find_unasked
from tests.chaos.invariants.events import find_lost
from tests.chaos.invariants.leases import find_unleased
from tests.chaos.invariants.limit import find_overruns
from tests.chaos.invariants.mirror import find_drift
from tests.chaos.steps import FaultKind
from tests.unit.chaos.evidences import at, call, effect, evidence, logged, note

SIGN_UP = UserSignedUp("acme", id="1", name="Acme", occurred_at=at(0))


def by_hand(action: str, seconds: float, **arguments: Any) -> ManualChange:
    return ManualChange(
        action=action, arguments={"linked_account_id": "acme", **arguments}, began_at=at(seconds), ended_at=at(seconds)
    )


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_that_ended_is_not_lost() -> None:
    found = find_lost(evidence(events=[(SIGN_UP, logged(SIGN_UP, recorded=0, finished=1))]))

    assert found.violations == []
    assert found.counts == {"accepted": 1, "done": 1, "superseded": 0, "dead": 0}


def test_an_accepted_event_that_is_not_in_the_log_is_lost() -> None:
    [found] = find_lost(Evidence(accepted={("host", "1"): SIGN_UP}, rows={"events": []})).violations

    assert "not in the log" in found


def test_an_event_that_nobody_published_is_seen() -> None:
    [found] = find_lost(Evidence(rows={"events": [logged(SIGN_UP, recorded=0, finished=1)]})).violations

    assert "was never published" in found


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"status": "pending"}, "for ever"),
        ({"status": "dead", "last_error": "boom"}, "is dead without a valid reason: boom"),
        ({"occurred_at": at(1)}, "not what was published"),
    ],
)
def test_an_event_that_ended_badly_is_seen(row: dict[str, Any], words: str) -> None:
    [found] = find_lost(evidence(events=[(SIGN_UP, {**logged(SIGN_UP, recorded=0, finished=1), **row})])).violations

    assert words in found


def test_an_event_may_die_with_its_account() -> None:
    row = logged(SIGN_UP, recorded=0, finished=1, status="dead", last_error="Cobalt no longer has this account; ...")
    dead = evidence(events=[(SIGN_UP, row)])

    assert len(find_lost(dead).violations) == 1
    assert find_lost(replace(dead, by_hand=[by_hand("delete_account", 0.5)])).violations == []


CHANGE = ConfigChanged("acme", "xero", id="3", occurred_at=at(10))
WHICH, ABSENT = "which of them? The customer has 2 connections", "Cobalt does not show a connection 'c1' to xero"


def opened(seconds: float, name: str, *, kind: str = "connected") -> dict[str, Any]:
    return effect(kind, seconds, by=None, slug="xero", auth_type="oauth2", connection_id=name)


@pytest.mark.parametrize(
    ("change", "reason", "effects", "may_die"),
    [
        (CHANGE, WHICH, [opened(5, "c1"), opened(6, "c2")], True),
        (CHANGE, WHICH, [opened(5, "c1")], False),
        (CHANGE, WHICH, [opened(5, "c1"), opened(30, "c2")], False),
        (CHANGE, WHICH, [opened(5, "c1"), opened(6, "c2"), opened(7, "c2", kind="disconnected")], False),
        (replace(CHANGE, connection_id="c1"), WHICH, [opened(5, "c1"), opened(6, "c2")], False),
        (replace(CHANGE, connection_id="c1"), ABSENT, [opened(5, "c2")], True),
        (replace(CHANGE, connection_id="c1"), ABSENT, [opened(5, "c1"), opened(12, "c1", kind="disconnected")], True),
        (replace(CHANGE, connection_id="c1"), ABSENT, [opened(5, "c1")], False),
        (CHANGE, "Cobalt does not show any connection to xero", [], True),
        (CHANGE, "Cobalt does not show any connection to xero", [opened(5, "c1")], False),
    ],
)
def test_a_change_may_die_only_if_its_connection_cannot_be_told_in_truth(
    change: ConfigChanged, reason: str, effects: list[dict[str, Any]], *, may_die: bool
) -> None:
    row = logged(change, recorded=10, finished=20, status="dead", last_error=reason)

    assert (find_lost(evidence(events=[(change, row)], effects=effects)).violations == []) is may_die


# --- the mirror -------------------------------------------------------------------------------------------------------


def test_a_row_that_the_mirror_lacks_is_seen() -> None:
    account = {"linked_account_id": "acme", "environment": "test", "name": "Acme", "udf": {}}
    found = find_drift(Evidence(state={"accounts": [account], "connections": [], "configs": []}))

    assert len(found.violations) == 1


# --- effects ----------------------------------------------------------------------------------------------------------


def created(seconds: float, *, n: int = 1) -> dict[str, Any]:
    return {"calls": [call(n, seconds, "upsert_account")], "effects": [effect("account_created", seconds, by=n)]}


def test_an_account_may_be_made_while_its_sign_up_waits() -> None:
    found = find_unasked(evidence(events=[(SIGN_UP, logged(SIGN_UP, recorded=0, finished=2))], **created(1)))

    assert found.violations == []
    assert found.counts["by calls"] == 1


def test_an_account_that_is_made_when_nothing_waits_is_seen() -> None:
    [found] = find_unasked(
        evidence(events=[(SIGN_UP, logged(SIGN_UP, recorded=0, finished=2))], **created(3))
    ).violations

    assert "no event asked" in found


def test_an_account_that_is_made_twice_is_seen() -> None:
    calls = [call(1, 1, "upsert_account"), call(2, 1.5, "upsert_account")]
    effects = [effect("account_created", 1, by=1), effect("account_created", 1.5, by=2)]
    row = logged(SIGN_UP, recorded=0, finished=2)
    [found] = find_unasked(evidence(events=[(SIGN_UP, row)], calls=calls, effects=effects)).violations

    assert "there was one already" in found


def test_after_a_deletion_only_a_sign_up_makes_an_account_anew() -> None:
    deletion = UserDeleted("acme", id="2", occurred_at=at(2))
    change = ConfigChanged("acme", "slack", id="3", occurred_at=at(3))
    rows = [(SIGN_UP, logged(SIGN_UP, recorded=0, finished=1.5)), (deletion, logged(deletion, recorded=2, finished=4))]
    rows.append((change, logged(change, recorded=3, finished=9)))
    calls = [call(1, 1, "upsert_account"), call(2, 3, "delete_account"), call(3, 5, "upsert_account")]
    effects = [effect("account_created", 1, by=1), effect("account_deleted", 3, by=2)]
    effects.append(effect("account_created", 5, by=3))
    [found] = find_unasked(evidence(events=rows, calls=calls, effects=effects)).violations

    assert found.startswith("account_created")


def test_each_connection_has_a_config_of_its_own_with_the_same_id() -> None:
    change = ConfigChanged("acme", "xero", id="3", occurred_at=at(0))
    made = [
        effect("config_created", 1, by=1, slug="xero", config_id="acme", connection_id=name)
        for name in ("c1", "c2", "c2")
    ]
    seen = evidence(
        events=[(change, logged(change, recorded=0, finished=2))],
        calls=[call(1, 1, "find_or_create_config", slug="xero")],
    )

    assert find_unasked(replace(seen, effects=made[:2])).violations == []
    [found] = find_unasked(replace(seen, effects=made)).violations
    assert "there was one already" in found


def test_a_late_effect_is_that_of_its_call() -> None:
    late = call(1, 1, "replace_config", slug="slack", fault="timeout, effect later")
    change = ConfigChanged("acme", "slack", id="3", occurred_at=at(0))
    seen = evidence(
        events=[(change, logged(change, recorded=0, finished=2))],
        calls=[late],
        effects=[effect("config_replaced", 5, by=None, slug="slack", config_id="acme")],
    )

    assert find_unasked(seen).violations == []
    assert "no cause was found" in find_unasked(replace(seen, calls=[{**late, "fault": None}])).violations[0]


# --- leases -----------------------------------------------------------------------------------------------------------

GIVEN_BACK = note(1, "work", operation="DELETE", old_token="a", new_token=None, old_until=None)
WRITTEN = note(2, "mirror", operation="UPDATE", table="connections")


def test_what_is_written_where_the_lease_is_given_back_is_leased() -> None:
    found = find_unleased(Evidence(audit=[GIVEN_BACK, WRITTEN]))

    assert found.violations == []
    assert found.counts["writes under a lease"] == 1


@pytest.mark.parametrize(
    "before",
    [
        replace(GIVEN_BACK, account="bolt"),
        replace(GIVEN_BACK, transaction="0"),
        replace(GIVEN_BACK, details={**GIVEN_BACK.details, "old_token": None}),
    ],
)
def test_what_is_written_without_the_accounts_own_lease_is_seen(before: Any) -> None:
    assert len(find_unleased(Evidence(audit=[before, WRITTEN])).violations) == 1


def test_a_reconciliation_may_adopt_and_nothing_else() -> None:
    because = note(2, "history", because={"run": "r"})
    inserted = replace(WRITTEN, details={**WRITTEN.details, "operation": "INSERT"})

    assert find_unleased(Evidence(audit=[because, inserted])).violations == []
    assert len(find_unleased(Evidence(audit=[because, WRITTEN])).violations) == 1


@pytest.mark.parametrize(("account", "violations"), [("acme", 1), ("a\ufffd", 0), ("a" + chr(0xD800), 0)])
def test_an_event_that_no_statement_can_name_is_ended_without_a_lease(account: str, violations: int) -> None:
    ended = replace(note(1, "event", operation="UPDATE", table="events"), account=account)

    assert len(find_unleased(Evidence(audit=[ended])).violations) == violations


@pytest.mark.parametrize(("until", "violations"), [(5, 0), (15, 1)])
def test_a_lease_that_holds_is_not_taken(until: float, violations: int) -> None:
    times = {"old_until": at(until).isoformat(), "new_until": at(30).isoformat()}
    taken = note(1, "work", seconds=10, operation="UPDATE", old_token="a", new_token="b", **times)

    assert len(find_unleased(Evidence(audit=[taken])).violations) == violations


# --- the limit --------------------------------------------------------------------------------------------------------


def test_calls_over_the_limit_are_counted_but_not_the_throttling_that_was_played() -> None:
    over = [call(n, n / 100, "read_account", status=429) for n in range(1, 7)]
    played = call(7, 1, "read_account", status=429, fault="throttle, effect none")
    seen = Evidence(calls=[*over, played], faults=[InjectedFault(at=at(0), what=FaultKind.REDIS_FLUSH, whom="redis")])

    assert find_overruns(seen).counts["over the limit"] == 6
    assert len(find_overruns(seen).violations) == 1
    assert find_overruns(replace(seen, calls=[*over[1:], played])).violations == []


def test_before_any_loss_of_redis_a_burst_is_too_much() -> None:
    over = [call(n, n / 100, "read_account", status=429) for n in range(1, 4)]
    lost_later = InjectedFault(at=at(10), what=FaultKind.REDIS_KILL, whom="redis")

    [found] = find_overruns(Evidence(calls=over, faults=[lost_later])).violations
    assert "3 calls over the limit before any loss" in found
    assert find_overruns(Evidence(calls=over[:2], faults=[lost_later])).violations == []
