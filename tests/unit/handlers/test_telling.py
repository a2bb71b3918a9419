"""What the line of an attempt says of its events."""

from collections.abc import Sequence

import pytest

from cobalt_mirror.db import outcomes
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.outcomes import EventUpdate
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.handlers.telling import count_outcomes, first_reason
from tests.unit.entries import NOON, at, logged


def event(id_: str) -> LoggedEvent:
    return logged("config_changed", id_)


DONE = outcomes.done(event("1"), at=NOON, detail="a remark")
SUPERSEDED = outcomes.superseded(event("2"), at=NOON, detail="a later event replaces this one")
DEAD = outcomes.dead(event("3"), at=NOON, detail="refused", move=Move.CUSTOMER)
RETRY = outcomes.retry(event("4"), due_at=at(1), since=NOON, detail="no answer", move=Move.PROVIDER)
SNOOZE = outcomes.snooze(event("5"), due_at=at(1), detail="over the limit")

UPDATES = [
    pytest.param([], {}, None, id="a check only"),
    pytest.param([DONE], {"done": ["1"]}, None, id="done, with a remark"),
    pytest.param([SUPERSEDED, DONE], {"superseded": ["2"], "done": ["1"]}, None, id="folded into another"),
    pytest.param([DONE, DEAD], {"done": ["1"], "dead": ["3"]}, "refused", id="one is dead"),
    pytest.param([RETRY], {"retry": ["4"]}, "no answer", id="to be tried again"),
    pytest.param([SNOOZE], {"snooze": ["5"]}, "over the limit", id="put off"),
    pytest.param([RETRY, DEAD], {"retry": ["4"], "dead": ["3"]}, "no answer", id="of two reasons the first"),
]


@pytest.mark.parametrize(("updates", "ids", "reason"), UPDATES)
def test_events_are_named_by_what_became_of_them(
    updates: Sequence[EventUpdate], ids: dict[str, list[str]], reason: str | None
) -> None:
    assert count_outcomes(updates) == ids
    assert first_reason(updates) == reason


@pytest.mark.parametrize(("number", "more"), [(20, None), (21, "and 1 more"), (1_000, "and 980 more")])
def test_twenty_are_named_and_the_others_counted(number: int, more: str | None) -> None:
    updates = [outcomes.done(event(str(place)), at=NOON) for place in range(number)]
    (ids,) = count_outcomes(updates).values()

    assert ids[:20] == [str(place) for place in range(20)]
    assert ids[20:] == ([] if more is None else [more])


def test_no_status_is_called_a_snooze() -> None:
    for status in EventStatus:
        assert list(count_outcomes([EventUpdate(("host", "1"), {"status": status})])) == [str(status)]
