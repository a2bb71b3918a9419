"""What `status` says of the last reconciliation, and of the age of what it compared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.db.tables import looks, runs
from tests.commands import Shell
from tests.integration.cli.rows import NOW


@pytest.mark.usefixtures("customer")
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"finished_at": NOW}, "last complete pass"),
        ({"place": "whole", "alive_until": NOW + timedelta(days=1)}, "run r1 is under way"),
        ({"stopped_because": "Cobalt is away"}, "run r1 did not finish: Cobalt is away"),
        ({"place": "whole", "alive_until": NOW - timedelta(days=1)}, "run r1 did not finish: killed"),
    ],
    ids=["finished", "under way", "stopped", "killed"],
)
def test_the_age_of_the_configs_is_shown_however_the_last_run_ended(
    mirror: Shell, engine: Engine, columns: dict[str, Any], said: str
) -> None:
    row = {"id": "r1", "options": {}, "started_at": NOW, "walking_since": NOW, **columns}
    look = {"linked_account_id": "acme", "slug": "slack", "looked_at": datetime.now(UTC) - timedelta(hours=30)}
    with engine.begin() as connection:
        connection.execute(insert(runs).values(**row))
        connection.execute(insert(looks).values(**look))

    (line,) = [line for line in mirror.run("status").output.splitlines() if line.startswith("reconcile ")]

    assert "; configs of 1 of 1 connections were read, the oldest 30 h ago" in line
    assert said.removeprefix("last complete pass") in line
