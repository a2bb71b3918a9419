"""Whether calls may be made, as the row says it."""

from typing import Any

import pytest

from cobalt_mirror.db.state import Halt, Standing, standing_of
from cobalt_mirror.db.statuses import Move
from tests.unit.entries import at

SINCE, PROBE = at(0), at(1.5)
ROW = {"reason": "no", "since": SINCE.isoformat(), "probe_at": PROBE.isoformat(), "probes": 0, "move": "provider"}
HALT = Halt(reason="no", since=SINCE, probe_at=PROBE, move=Move.PROVIDER)


@pytest.mark.parametrize(
    ("halted", "environment", "expected"),
    [
        pytest.param(None, None, Standing(None, None), id="nothing is known"),
        pytest.param(None, "test", Standing(None, "test"), id="an environment"),
        pytest.param(ROW, "test", Standing(HALT, "test"), id="a halt"),
        pytest.param(
            {name: value for name, value in ROW.items() if name != "move"},
            None,
            Standing(Halt(reason="no", since=SINCE, probe_at=PROBE), None),
            id="a halt of an older version: the operator has to act",
        ),
    ],
)
def test_a_standing_is_read_from_the_row(halted: Any, environment: Any, expected: Standing) -> None:
    assert standing_of(halted, environment) == expected
    assert expected.halt is None or expected.halt.move == (halted or {}).get("move", "operator")
