"""The invariant about rows that no worker can read, with each of its violations."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.host import Poisoned
from tests.chaos.invariants.poison import find_poison
from tests.integration.isolation.rows import Bad
from tests.unit.chaos.evidences import at, call, note

ROW = Bad("an infinite time", {}, "occurred_at: ")


def violations(rows: list[dict[str, Any]], *, refusal: str | None = None, **more: Any) -> list[str]:
    poisoned = {"poison 0001": Poisoned(row=ROW, refusal=refusal)}
    return [*find_poison(Evidence(poisoned=poisoned, rows={"events": rows}, **more)).violations]


def in_log(status: str, last_error: str | None) -> dict[str, Any]:
    return {"fingerprint": "poison 0001", "status": status, "last_error": last_error}


def test_refused_or_dead_with_its_reason_is_as_it_must_be() -> None:
    assert violations([], refusal="events.occurred_at must be a time") == []
    assert violations([in_log("dead", "occurred_at: must be a time")]) == []


def test_anything_else_is_a_violation() -> None:
    assert "was taken and is not in the log" in violations([])[0]
    assert "is pending" in violations([in_log("pending", None)])[0]
    assert "is dead" in violations([in_log("dead", "payload: must be")])[0]


#: Whose lease a worker took after 10 s, the call's method, its second, and whether it may be.
CALLS = [
    pytest.param(None, "GET", 11, False, id="a read, and no worker lost a lease"),
    pytest.param("a", "GET", 11, True, id="a read after a worker lost its lease"),
    pytest.param("a", "GET", 9, False, id="a read before that"),
    pytest.param("a", "PUT", 11, False, id="a write after that"),
]


@pytest.mark.parametrize(("lost", "method", "second", "expected"), CALLS)
def test_only_what_a_dead_worker_may_have_done_is_read(
    lost: str | None, method: str, second: float, *, expected: bool
) -> None:
    calls = [call(1, second, "read_account", linked_account_id="poison 0001", method=method)]
    taken = note(1, "work", seconds=10, old_token=lost, new_token="b", old_until=at(5).isoformat())
    audit = [
        replace(taken, account="poison 0001"),
        replace(taken, account="acme", details={**taken.details, "old_token": "x"}),
    ]
    found = violations([in_log("dead", "occurred_at: x")], calls=calls, audit=audit)

    assert found == ([] if expected else ["a call for poison 0001: read_account"])
