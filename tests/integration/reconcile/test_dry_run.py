"""A dry run tells what differs, field by field, and changes nothing."""

import pytest
from sqlalchemy import update

from cobalt_mirror.db import tables
from cobalt_mirror.workers.reconcile import Ending, Report
from tests.integration.reconcile.runs import at_cobalt, mirrored, reconcile, run_row
from tests.world import World


def told(report: Report) -> set[tuple[object, ...]]:
    return {(one.what, one.linked_account_id, one.slug, one.column) for one in report.differences}


def test_every_difference_is_told_and_nothing_is_written(settled: World) -> None:
    settled.sandbox.rename_account("a0", "New name")
    settled.sandbox.delete_account("a1")
    settled.sandbox.disconnect("a2", "slack")
    at_cobalt(settled, [9])
    before = mirrored(settled)
    report = reconcile(settled, dry_run=True)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert mirrored(settled) == before
    assert told(report) >= {
        ("account", "a0", None, "name"),
        ("account", "a1", None, "status"),
        ("account", "a9", None, "row"),
        ("connection", "a2", "slack", "status"),
        ("config", "a2", "slack", "status"),
    }
    (renamed,) = [one for one in report.differences if one.column == "name"]
    assert (renamed.mirror, renamed.cobalt, renamed.is_proved) == ("Customer 0", "New name", True)
    row = run_row(settled, report)
    assert row["finished_at"] is not None
    assert (row["adopted"], row["repaired"]) == (0, 0)
    assert settled.rows("suspicions") == settled.rows("checks") == settled.rows("work") == []
    assert settled.rows("state", key="last_pass") == []


def test_a_mirror_that_agrees_has_nothing_to_tell(settled: World) -> None:
    report = reconcile(settled, dry_run=True, deep=True)

    assert (report.ending, list(report.differences)) == (Ending.IN_AGREEMENT, [])


def test_a_deep_dry_run_finds_edited_configs(settled: World) -> None:
    settled.sandbox.edit_config("a1", "slack", fields={"mention": "@channel"})
    report = reconcile(settled, dry_run=True, deep=True)

    (difference,) = report.differences
    assert (difference.what, difference.linked_account_id, difference.column) == ("config", "a1", "fields")
    assert difference.cobalt["mention"] == "@channel"
    assert settled.row("configs", linked_account_id="a1")["fields"]["mention"] == "@here"


def test_a_value_that_python_calls_equal_is_a_difference(settled: World) -> None:
    workflows = settled.row("configs", linked_account_id="a1")["workflows"]
    assert {each["enabled"] for each in workflows} <= {True, False}
    numbers = [{**each, "enabled": int(each["enabled"])} for each in workflows]
    configs = tables.configs
    with settled.engine.begin() as connection:
        connection.execute(update(configs).where(configs.c.linked_account_id == "a1").values(workflows=numbers))

    (difference,) = reconcile(settled, dry_run=True, deep=True).differences
    assert (difference.linked_account_id, difference.column) == ("a1", "workflows")
    assert difference.mirror == difference.cobalt  # as Python sees it


@pytest.mark.parametrize("account", ["a1", "a9"])
def test_one_account_can_be_compared_without_writing(settled: World, account: str) -> None:
    at_cobalt(settled, [9], "slack")
    settled.sandbox.rename_account("a1", "New name")
    before = mirrored(settled)
    report = reconcile(settled, dry_run=True, account=account)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert {one.linked_account_id for one in report.differences} == {account}
    assert mirrored(settled) == before


def test_the_only_calls_of_a_dry_run_are_reads(settled: World) -> None:
    settled.sandbox.delete_account("a1")
    settled.calls()
    reconcile(settled, dry_run=True, deep=True)

    assert {call.method for call in settled.sandbox.calls()} == {"GET"}
