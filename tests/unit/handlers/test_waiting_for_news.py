"""How long a removal waits when `connectedAt` moved just now: news of a reconnection may be on its way."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.workers.handlers.looking import LOOKS
from tests.unit.entries import at, authorized, changed
from tests.unit.handlers.links import link, stamp
from tests.unit.handlers.stage import ACCOUNT_READ, READ, TYPES, Stage, leave
from tests.unit.handlers.subjects import CHECK, ended_as

#: How often it was looked at, when it is due, when it was renewed, the time; how long to wait, and whether that was a
#: look. None: it is disconnected.
WAITS = [
    pytest.param(0, None, 100, 100, (2, True), id="renewed just now"),
    pytest.param(0, None, 100, 129.9, (2, True), id="just under thirty seconds ago"),
    pytest.param(0, None, 100, 130, None, id="thirty seconds ago"),
    pytest.param(1, 102, 100, 102, (3, True), id="the second look"),
    pytest.param(2, 105, 100, 105, (10, True), id="the last look"),
    pytest.param(3, 115, 100, 115, None, id="after the last look"),
    pytest.param(4, 115, 100, 115, None, id="after more looks than there are"),
    pytest.param(1, 102, 100, 101, (1, False), id="another event came before the next look"),
    pytest.param(2, 105, 100, 104.5, (0.5, False), id="another event came before the last look"),
    pytest.param(3, 115, 100, 110, (5, False), id="another event came after the last look, before it is believed"),
    pytest.param(0, 200, 100, 101, (2, True), id="a retry was due later, and it was not looked at yet"),
    pytest.param(1, 1000, 100, 101, (3, True), id="a retry was due later, and it was looked at once"),
    pytest.param(3, 1000, 100, 101, None, id="a retry was due later, after the last look"),
    pytest.param(0, None, 200, 100, (2, True), id="by a clock that is ahead"),
]


@pytest.mark.parametrize(("looks", "due", "renewed", "now", "expected"), WAITS)
def test_a_removal_of_what_was_renewed_just_now_waits_for_news(
    *,
    looks: int,
    due: float | None,
    renewed: float,
    now: float,
    expected: tuple[float, bool] | None,
    stage: Stage,
) -> None:
    stage.connect(TYPES, 1)
    stage.renew(TYPES, renewed)
    removal = leave("r", 10, TYPES, looks=looks, due_at=None if due is None else at(due), meant_for=stamp(link(1)))
    found = stage.attempt(TYPES, removal, changed("c", 12), second=now, check=CHECK)

    assert stage.connected(TYPES) == ([] if expected is None else ["oauth2"])
    if expected is None:
        assert stage.calls()[:3] == [READ, ACCOUNT_READ, "DELETE oauth2"]
        assert ended_as(found)["r"] == "done"
        assert found.check_waits is None
        return
    seconds, is_look = expected
    delay = timedelta(seconds=seconds)
    assert stage.calls() == [READ, ACCOUNT_READ]
    assert ended_as(found) == {"r": "snooze", "c": "snooze"}
    outcome, beside = found.outcomes[("host", "r")], found.outcomes[("host", "c")]
    assert (outcome.delay, outcome.looked, beside.delay, beside.looked) == (delay, is_look, delay, False)
    assert "the customer has connected again" in str(outcome.detail)
    assert found.check_waits is not None
    assert found.check_waits.delay == delay
    assert found.effects == {}


def test_the_wait_is_over_before_news_is_thought_to_be_lost() -> None:
    assert LOOKS == (2.0, 3.0, 10.0)


@pytest.mark.parametrize(
    "news",
    [
        pytest.param({"entries": [authorized("a", 100)]}, id="an authorisation"),
        pytest.param({"notified_at": [at(100)]}, id="a notification"),
    ],
)
def test_news_ends_the_wait_and_the_connection_stays(news: dict[str, Any], stage: Stage) -> None:
    stage.connect(TYPES, 1)
    stage.connect(TYPES, 100)
    entries = news.pop("entries", []) if "entries" in news else []
    removal = leave("r", 10, TYPES, looks=1, due_at=at(102), meant_for=stamp(link(1)))
    found = stage.attempt(TYPES, removal, *entries, second=102, **news)

    assert [call for call in stage.calls() if call != "POST"] == [READ]
    assert ended_as(found)["r"] == "done"
    assert found.outcomes[("host", "r")].detail == "not removed, as it was connected after this removal: oauth2"
    assert stage.connected(TYPES) == ["oauth2"]


def test_what_did_not_move_is_disconnected_at_once(stage: Stage) -> None:
    stage.connect(TYPES, 9.9)
    stage.attempt(TYPES, leave("r", 10, TYPES), second=10.1)

    assert stage.calls() == [READ, "DELETE oauth2"]
