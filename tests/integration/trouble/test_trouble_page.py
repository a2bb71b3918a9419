"""docs/trouble.md: each trouble of its tables is made for real, and the commands and alerts say what its row says."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.commands import Ended
from tests.integration.trouble import (
    alerts,
    cobalt_troubles,
    database_troubles,
    notice_troubles,
    process_troubles,
    redis_troubles,
)
from tests.integration.trouble.installation import Installation
from tests.pages import DOCS, rows

TROUBLES: dict[str, Callable[[Installation], AbstractContextManager[None]]] = {
    "wrong key": cobalt_troubles.wrong_key,
    "key of the other environment": cobalt_troubles.other_environment,
    "Cobalt is down": cobalt_troubles.down,
    "Cobalt is slow": cobalt_troubles.slow,
    "Cobalt throttles": cobalt_troubles.throttling,
    "clocks differ": cobalt_troubles.wrong_clock,
    "notifications arrive unsigned": cobalt_troubles.unsigned,
    "connection expired": cobalt_troubles.expired,
    "unknown application": cobalt_troubles.unknown_application,
    "refused value": cobalt_troubles.refused_value,
    "deletion refused": cobalt_troubles.deletion_refused,
    "reconcile stopped by its brake": cobalt_troubles.braked,
    "Redis is down": redis_troubles.down,
    "Redis was flushed": redis_troubles.flushed,
    "wrong password of Redis": redis_troubles.wrong_password,
    "Redis drops keys": redis_troubles.evicting,
    "Redis is read-only": redis_troubles.read_only,
    "database is down": database_troubles.down,
    "database is full": database_troubles.full,
    "database is read-only": database_troubles.read_only,
    "database is slow": database_troubles.slow,
    "a table is locked": database_troubles.locked,
    "not migrated": database_troubles.not_migrated,
    "migrated further": database_troubles.migrated_further,
    "worker killed": process_troubles.worker_killed,
    "no relay": process_troubles.relay_missing,
    "two releases": process_troubles.two_versions,
    "an endpoint is gone": notice_troubles.endpoint_gone,
    "wrong secret key": process_troubles.wrong_secret_key,
}
HEADING = "| trouble | `status` | `doctor` | `explain` | alert | do |"
PAGE = {cells[0]: cells[1:5] for cells in rows((DOCS / "trouble.md").read_text("utf-8"), HEADING)}


def test_the_page_has_each_trouble_once() -> None:
    assert sorted(PAGE) == sorted(TROUBLES)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_commands_and_alerts_say_what_the_page_says(installation: Installation, trouble: str) -> None:
    with TROUBLES[trouble](installation):
        status, doctor = installation.shell.run_here("status"), installation.shell.run_here("doctor")
        explain = installation.shell.run_here("explain", installation.account)
        firing = alerts.firing(installation.metrics())

    said = [
        written(status, lines_of(status)[:1]),
        written(doctor, [line for line in lines_of(doctor) if not line.startswith("fine ")]),
        written(explain, lines_of(explain)[:1]),
        ", ".join(f"`{name}`" for name in firing) or "none",
    ]
    wrong = [text for cell, text in zip(PAGE[trouble], said, strict=True) if not is_like(cell, text)]
    assert not wrong, "\n".join(["the page does not have", *wrong])


def lines_of(ended: Ended) -> list[str]:
    """The lines of a command, with one space where it aligns them."""
    return [" ".join(line.split()) for line in (ended.output or ended.errors).splitlines()]


def written(ended: Ended, lines: list[str]) -> str:
    """An exit code and lines, as the page writes them."""
    cells = "<br>".join(f"`{line.replace('`', '')}`" for line in lines)
    return f"{ended.status}: {cells or 'all fine'}"


def is_like(cell: str, text: str) -> bool:
    """Whether a text is what a cell says, in which … stands for anything within a line."""
    return re.fullmatch("(?:(?!<br>).)*".join(map(re.escape, cell.split("…"))), text) is not None


def test_every_rule_is_decided_here_but_those_that_need_history() -> None:
    decided = {name for name, rule in alerts.RULES.items() if not alerts.NEEDS_HISTORY.search(rule)}

    assert set(alerts.RULES) - decided == {"CobaltMirrorManyToReauthorize"}
    assert [name for name in decided if alerts.fires(alerts.RULES[name], {})] == ["CobaltMirrorNoMetrics"]
