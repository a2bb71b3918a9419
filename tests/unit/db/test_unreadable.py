"""What makes a row unreadable, column by column and on both sides of each boundary."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from cobalt_mirror.db.columns import OneOrNone
from cobalt_mirror.db.host_columns import NO_TIME, HostTime, Unreadable, read_json
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.unreadable import MOST_ATTEMPTS, find_fault
from tests.unit.entries import MICROSECOND, NOON

SQLITE = make_url("sqlite://").get_dialect()()
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
ROW: dict[str, Any] = {
    "source": "host",
    "id": "1",
    "type": "user_signed_up",
    "linked_account_id": "acme",
    "slug": None,
    "payload": {},
    "occurred_at": NOON,
    "recorded_at": NOON,
    "due_at": NOON,
    "retrying_since": None,
    "status": "pending",
    "attempts": 0,
    "looks": 0,
    "number": 1,
    "alone": False,
    "meant_for": None,
    "effect": None,
    "operator": None,
    "traceparent": None,
    "unseen": None,
}
TIMES = ("occurred_at", "recorded_at", "due_at")
ROWS = [
    pytest.param("slug", "slack", None, id="a slug"),
    pytest.param("slug", b"x", "slug: must be text", id="a slug of bytes"),
    *(pytest.param(name, b"x", f"{name}: must be text", id=f"{name} of bytes") for name in ("source", "id", "type")),
    *(pytest.param(name, FIRST, None, id=f"the first {name}") for name in TIMES),
    *(pytest.param(name, FIRST - MICROSECOND, f"{name}: must be a time", id=f"{name} before it") for name in TIMES),
    *(pytest.param(name, LAST - MICROSECOND, None, id=f"the last {name}") for name in TIMES),
    *(pytest.param(name, LAST, f"{name}: must be a time", id=f"{name} after it") for name in TIMES),
    *(pytest.param(name, None, f"{name}: must be a time", id=f"no {name}") for name in TIMES),
    pytest.param("retrying_since", LAST, "retrying_since: must be a time", id="retrying since too late a time"),
    pytest.param("attempts", MOST_ATTEMPTS, None, id="as many attempts as may be"),
    pytest.param("attempts", MOST_ATTEMPTS + 1, "attempts: must be between 0", id="one more attempt"),
    pytest.param("looks", -1, "looks: must be between 0", id="fewer than no looks"),
    pytest.param("looks", "1", "looks: must be between 0", id="looks in words"),
    pytest.param("number", None, None, id="no number"),
    pytest.param("number", "1", "number: must be an integer", id="a number in words"),
    pytest.param("effect", {}, None, id="an effect"),
    pytest.param("effect", [], "effect: must be a JSON object", id="another effect"),
    pytest.param("payload", [], None, id="a payload that another rule refuses"),
    pytest.param("payload", Unreadable("is not JSON"), "payload: is not JSON", id="a payload that is no JSON"),
    pytest.param("meant_for", Unreadable("is not JSON"), "meant_for: is not JSON", id="a stamp that is no JSON"),
]


@pytest.mark.parametrize(("name", "value", "expected"), ROWS)
def test_a_row_with_a_fault_says_so_and_nothing_in_it_can_fail(name: str, value: Any, expected: str | None) -> None:
    fault = find_fault({**ROW, name: value})
    logged = LoggedEvent.from_columns({**ROW, name: value})

    assert (fault is None) == (expected is None)
    assert (fault or "").startswith(expected or "")
    assert logged.fault == fault
    assert (logged.attempts + logged.looks) >= 0
    assert logged.occurred_at - timedelta(days=1) < NOON + timedelta(days=366_000)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", {}, id="an object"),
        pytest.param(b'{"a": 1}', {"a": 1}, id="bytes"),
        pytest.param("null", None, id="null"),
        pytest.param("9" * 4_300, int("9" * 4_300), id="as many digits as Python reads"),
        pytest.param("9" * 4_301, Unreadable("is not JSON that can be read"), id="one more digit"),
        pytest.param("{not json", Unreadable("is not JSON that can be read"), id="not JSON"),
        pytest.param(b"\xff", Unreadable("is not JSON that can be read"), id="no UTF-8"),
        pytest.param(nested(201), Unreadable("is nested more than 200 levels deep"), id="201 levels"),
        pytest.param(nested(3_000), Unreadable("is nested more than 200 levels deep"), id="3,000 levels"),
        pytest.param(f"[{', '.join(['{}'] * 300)}]", [{}] * 300, id="wide and not deep"),
    ],
)
def test_json_of_a_host_is_read_or_marked(text: str | bytes, expected: Any) -> None:
    assert read_json(text) == expected


def test_200_levels_are_read() -> None:
    assert isinstance(read_json(nested(200)), list)


@pytest.mark.parametrize("value", ["2026-02-30T12:00:00.000000Z", "noon", "", 1769860800, b"x"])
def test_what_is_no_time_comes_out_as_one_that_is_out_of_bounds(value: Any) -> None:
    assert HostTime().process_result_value(value, SQLITE) == NO_TIME < FIRST


def test_another_word_of_a_host_is_none() -> None:
    assert OneOrNone(Move).process_result_value("nobody", SQLITE) is None
    assert OneOrNone(Move).process_result_value("operator", SQLITE) is Move.OPERATOR
