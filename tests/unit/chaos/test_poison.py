"""The invariant about rows that no worker can read, with each of its violations."""

from typing import Any

from tests.chaos.evidence import Evidence
from tests.chaos.host import Poisoned
from tests.chaos.invariants.poison import find_poison
from tests.integration.isolation.rows import Bad
from tests.unit.chaos.evidences import call

ROW = Bad("an infinite time", {}, "occurred_at: ")


def violations(rows: list[dict[str, Any]], *, refusal: str | None = None, calls: list[Any] | None = None) -> list[str]:
    poisoned = {"poison 0001": Poisoned(row=ROW, refusal=refusal)}
    return [*find_poison(Evidence(poisoned=poisoned, rows={"events": rows}, calls=calls or [])).violations]


def in_log(status: str, last_error: str | None) -> dict[str, Any]:
    return {"fingerprint": "poison 0001", "status": status, "last_error": last_error}


def test_refused_or_dead_with_its_reason_is_as_it_must_be() -> None:
    assert violations([], refusal="events.occurred_at must be a time") == []
    assert violations([in_log("dead", "occurred_at: must be a time")]) == []


def test_anything_else_is_a_violation() -> None:
    assert "was taken and is not in the log" in violations([])[0]
    assert "is pending" in violations([in_log("pending", None)])[0]
    assert "is dead" in violations([in_log("dead", "payload: must be")])[0]
    call_for_it = call(1, 0, "upsert_account", linked_account_id="poison 0001")
    assert "a call for poison 0001" in violations([in_log("dead", "occurred_at: x")], calls=[call_for_it])[0]
