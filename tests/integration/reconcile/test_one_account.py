"""A run for one account, or for what was not verified for a while."""

from datetime import timedelta

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.passes import find_last_pass
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World


def test_one_account_is_compared_with_everything_under_it(settled: World) -> None:
    settled.sandbox.rename_account("a1", "New name")
    settled.sandbox.edit_config("a1", "slack", fields={"mention": "@channel"})
    settled.sandbox.rename_account("a2", "Other name")
    report = reconcile(settled, account="a1")

    assert report.ending is Ending.IN_AGREEMENT
    assert settled.row("linked_accounts", linked_account_id="a1")["name"] == "New name"
    assert settled.row("configs", linked_account_id="a1")["fields"]["mention"] == "@channel"
    assert settled.row("linked_accounts", linked_account_id="a2")["name"] == "Customer 2"
    assert "list_accounts" not in settled.calls()
    with reading(settled.engine).begin() as connection:
        assert find_last_pass(connection).accounts is None


def test_one_account_that_is_gone_or_new_is_settled_too(settled: World) -> None:
    settled.sandbox.delete_account("a1")
    at_cobalt(settled, [9], "slack")
    reports = [reconcile(settled, account=name) for name in ("a1", "a9", "nobody")]

    assert [report.ending for report in reports] == [Ending.IN_AGREEMENT] * 3
    assert settled.mirror() == settled.truth()
    assert settled.rows("linked_accounts", linked_account_id="nobody") == []


def test_only_what_was_not_found_fresh_for_a_while_is_compared(settled: World) -> None:
    settled.clock.pass_time(48 * 3_600)
    reconcile(settled, account="a1")
    for name in ("a1", "a2"):
        settled.publish(UserSignedUp(name))
    settled.work_until_quiet()  # reads both
    settled.sandbox.rename_account("a1", "New name")
    settled.sandbox.rename_account("a0", "New name")
    reconcile(settled, older_than=timedelta(hours=24))

    assert settled.row("linked_accounts", linked_account_id="a0")["name"] == "New name"
    assert settled.row("linked_accounts", linked_account_id="a1")["name"] == "Customer 1"
