"""`cobalt-mirror prune` as a process."""

import signal
import subprocess
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from tests.commands import Ended, Shell
from tests.integration.cli.rows import add_event
from tests.waiting import wait_until

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ROWS = 100_000
_OLD_HISTORY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
    " INSERT INTO history (recorded_at, what, changes, because)"
    " SELECT '2020-01-01 00:00:00.000000', 'connection', '{}', '{}' FROM n"
)


def test_ctrl_c_ends_it_after_the_batch_in_progress(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(_OLD_HISTORY), {"rows": ROWS})

    with mirror.start("prune") as process:
        wait_until(lambda: interrupt_in_the_middle(process, engine))
        output, _ = process.communicate(timeout=60)

    left = entries(engine)
    assert process.returncode == 130
    assert 0 < left < ROWS
    assert f"deleted 0 events, {ROWS - left:,} entries of the history, " in output
    assert "cobalt-mirror: interrupted; run it again to go on" in output


def test_a_dry_run_says_what_would_go_and_an_age_under_a_day_is_refused(mirror: Shell, engine: Engine) -> None:
    for id_ in ("1", "2"):
        add_event(engine, id_, status="superseded", finished_at=LONG_AGO)
    feed = "0 entries of the change feed"
    words = f"events, 0 entries of the history, 0 calls, {feed}, 0 notification bodies, 0 notes of runs, 0 notices\n"

    assert mirror.run("prune", "--dry-run") == Ended(0, f"would delete 2 {words}", "")
    assert mirror.run("prune", "--older-than", "23h").status == 2
    assert mirror.run("prune") == Ended(0, f"deleted 2 {words}", "")


def interrupt_in_the_middle(process: "subprocess.Popen[str]", engine: Engine) -> bool:
    """Send Ctrl-C once a batch is deleted. While this transaction has the file, no other batch is."""
    with engine.begin() as connection:
        is_begun = count(connection) < ROWS
        if is_begun:
            process.send_signal(signal.SIGINT)
    return is_begun


def entries(engine: Engine) -> int:
    with engine.connect() as connection:
        return count(connection)


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM history")).scalar_one())
