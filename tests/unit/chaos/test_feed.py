"""The invariant of the change feed finds what is missing, misplaced or wrong."""

from typing import Any

import pytest

from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConnectionStatus, EventStatus
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.feed import find_untold

ACME = {"linked_account_id": "acme"}
SLACK = {**ACME, "slug": "slack"}


def entry(number: int, type_: ChangeType, *, position: int | None = None, **more: Any) -> dict[str, Any]:
    at = number if position is None else position
    return {**ACME, "slug": None, "data": {}, "number": number, "position": at, "type": type_, **more}


CREATED = entry(1, ChangeType.ACCOUNT_CREATED)
CONNECTED = entry(2, ChangeType.CONNECTION_CONNECTED, slug="slack")
REMOVED = entry(3, ChangeType.CONNECTION_REMOVED, slug="slack")
DEAD = entry(4, ChangeType.EVENT_DEAD, data={"source": "host", "id": "1"})
ROWS = {
    "linked_accounts": [{**ACME, "status": AccountStatus.ACTIVE}],
    "connections": [{**SLACK, "status": ConnectionStatus.DISCONNECTED}],
    "events": [{"source": "host", "id": "1", "status": EventStatus.DEAD}],
}
CONNECTED_ROW = [{**SLACK, "status": ConnectionStatus.CONNECTED}]

CASES = [
    pytest.param([CREATED, CONNECTED, REMOVED, DEAD], {}, 0, id="all is told"),
    pytest.param([CREATED, CONNECTED, REMOVED, {**DEAD, "position": None}], {}, 2, id="an entry has no position"),
    pytest.param([CREATED, CONNECTED, REMOVED, {**DEAD, "position": 5}], {}, 1, id="a position is left out"),
    pytest.param(
        [CREATED, {**CONNECTED, "position": 3}, {**REMOVED, "position": 2}, DEAD], {}, 2, id="in another order"
    ),
    pytest.param([CONNECTED, REMOVED, DEAD], {}, 2, id="an account is not told of, so that a position is missing"),
    pytest.param(
        [CREATED, CONNECTED, REMOVED, DEAD], {"connections": CONNECTED_ROW}, 0, id="one of two may be removed"
    ),
    pytest.param([CREATED], {"connections": CONNECTED_ROW, "events": []}, 1, id="a connection is not told of"),
    pytest.param([CREATED, CONNECTED], {"events": []}, 1, id="a removal is not told of"),
    pytest.param([CREATED, CONNECTED, REMOVED], {}, 1, id="a death is not told of"),
]


@pytest.mark.parametrize(("entries", "rows", "violations"), CASES)
def test_what_the_feed_leaves_out_is_found(entries: list[Any], rows: dict[str, Any], violations: int) -> None:
    finding = find_untold(Evidence(rows={**ROWS, "changes": entries, **rows}))

    assert len(finding.violations) == violations, finding.violations
