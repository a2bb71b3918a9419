"""How many connections a run reads with their configs."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.workers.reconcile.turns import turn_of
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import NOON

#: The settings, how many hours ago the last run began (None: never), whether all is read; the share, and before how
#: many hours what was read is read again (None: nothing is).
TURNS = [
    pytest.param({}, 1, False, 1 / 48, 47, id="an hour of two days"),
    pytest.param({}, 12, False, 0.25, 36, id="twelve hours of two days"),
    pytest.param({}, 48, False, 1, 0, id="two days"),
    pytest.param({}, 47, False, 47 / 48, 1, id="just under two days"),
    pytest.param({}, 100, False, 1, 0, id="longer ago"),
    pytest.param({}, 0, False, 0, 48, id="in the same moment"),
    pytest.param({}, -1, False, 0, 48, id="by a clock that went back"),
    pytest.param({}, None, False, 1 / 48, 47, id="never"),
    pytest.param({"reconcile_configs_within_hours": 24}, 6, False, 0.25, 18, id="within a day"),
    pytest.param({"reconcile_configs_within_hours": 0}, 6, False, 0, None, id="at no time"),
    pytest.param({"reconcile_config_share": 0.5}, 6, False, 0.5, None, id="a share that is set counts"),
    pytest.param({"reconcile_config_share": 0}, 6, False, 0, None, id="a share of none, too"),
    pytest.param({"reconcile_config_share": 0.5}, 6, True, 1, None, id="all of them"),
]


@pytest.mark.parametrize(("options", "hours", "deep", "share", "before"), TURNS)
def test_runs_share_the_reading_by_the_time_between_them(
    options: dict[str, Any], hours: float | None, deep: bool, share: float, before: float | None
) -> None:
    last = None if hours is None else NOON - timedelta(hours=hours)
    turn = turn_of(Settings(**options), now=NOON, last=last, deep=deep)

    assert turn.share == pytest.approx(share)
    assert turn.read_before == (None if before is None else NOON - timedelta(hours=before))
