"""What a run says at its end: that all agrees, only if all was compared."""

from typing import Any

import pytest

from cobalt_mirror.db.config_turns import ConfigReads
from cobalt_mirror.db.runs import Run
from cobalt_mirror.workers.cli.reconcile_summary import summary
from cobalt_mirror.workers.reconcile import Ending, Options, Report
from tests.unit.entries import NOON, at

ALL = ConfigReads(total=3, read=3, never=0, oldest_at=at(5))
AGREES = "mirror and Cobalt agree: all accounts, connections and configs were compared in this run"
NO_DIFFERENCE = "no difference is left in what was compared"
#: The options, what else the run found, how far configs are read; the ending, and the lines without their ends.
SAID = [
    pytest.param({}, {}, ALL, 0, ["configs: 3 of 3 read, the oldest read at 2026-01-31 12:00:05Z", AGREES], id="all"),
    pytest.param(
        {},
        {},
        ConfigReads(total=0, read=0, never=0, oldest_at=None),
        0,
        ["configs: there is no connection to have any", AGREES],
        id="nothing is connected",
    ),
    pytest.param(
        {},
        {},
        ConfigReads(total=3, read=1, never=2, oldest_at=at(5)),
        0,
        [
            "configs: 1 of 3 read, the oldest read at 2026-01-31 12:00:05Z, 2 never read",
            f"{NO_DIFFERENCE}: all accounts with their connections, and the configs of 1 of 3 connections",
        ],
        id="some configs",
    ),
    pytest.param(
        {},
        {},
        ConfigReads(total=3, read=0, never=3, oldest_at=None),
        0,
        [
            "configs: 0 of 3 read, 3 never read",
            f"{NO_DIFFERENCE}: all accounts with their connections, and the configs",
        ],
        id="no config was ever read",
    ),
    pytest.param(
        {"account": "acme"}, {}, ALL, 0, ["configs: 3 of 3", f"{NO_DIFFERENCE}: account acme with"], id="one account"
    ),
    pytest.param(
        {},
        {"untold": 2},
        ALL,
        0,
        ["the listing shows 2", "configs: 3 of 3", f"{NO_DIFFERENCE}: all accounts, and"],
        id="a listing without connections",
    ),
    pytest.param({}, {"left": 1}, ALL, 2, ["configs: 3 of 3"], id="something is left"),
    pytest.param({}, {"unmapped": 1}, ALL, 2, ["configs: 3 of 3"], id="an unknown application"),
    pytest.param(
        {},
        {"contradiction": "page 1 is odd"},
        ALL,
        2,
        ["Cobalt's listing contradicts itself: page 1 is odd; the mirror", "configs: 3 of 3"],
        id="a listing that contradicts itself",
    ),
]


@pytest.mark.parametrize(("options", "found", "configs", "ending", "lines"), SAID)
def test_agreement_is_said_only_of_what_was_compared(
    *, options: dict[str, Any], found: dict[str, Any], configs: ConfigReads, ending: int, lines: list[str]
) -> None:
    row = Options(**options).as_row()
    run = Run(id="1", options=row, started_at=NOON, walking_since=NOON, finished_at=NOON, **found)
    report = Report(run=run, configs=configs)
    said = list(summary(report))

    assert report.ending is Ending(ending)
    assert [line[: len(expected)] for line, expected in zip(said, lines, strict=True)] == lines
    assert (AGREES in said) is (report.is_whole and ending == 0)
