"""What was changed at Cobalt is in the mirror after one run, by reads under the accounts' leases."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db import list_connections
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.leases import take_lease
from cobalt_mirror.db.statuses import Expected
from cobalt_mirror.events import ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.journey.replay import check_history
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import at_cobalt, mirrored, reconcile, run_row
from tests.world import World

By = Callable[[World], object]

#: What a person does in the dashboard, and whether a plain run finds it.
DASHBOARD: dict[str, By] = {
    "an account is renamed": lambda world: world.sandbox.rename_account("a1", "New name"),
    "an account gets other fields": lambda world: world.sandbox.set_udf("a1", {"plan": "free"}),
    "an account is deleted": lambda world: world.sandbox.delete_account("a1"),
    "a connection expires": lambda world: world.sandbox.expire_connection("a1", "slack"),
    "a connection is disconnected": lambda world: world.sandbox.disconnect("a1", "slack"),
    "something else is connected": lambda world: world.sandbox.connect("a1", "hubspot"),
    "an account is made": lambda world: world.client.upsert_account("a9", name="Nine", udf={}),
}


@pytest.mark.parametrize("change", DASHBOARD)
def test_after_one_run_the_mirror_agrees_although(settled: World, change: str) -> None:
    DASHBOARD[change](settled)
    assert settled.mirror() != settled.truth()
    report = reconcile(settled)

    assert report.ending is Ending.IN_AGREEMENT
    assert settled.mirror() == settled.truth()
    assert report.run.repaired + report.run.adopted > 0
    check_history(settled)


def test_a_connection_that_recovered_by_itself_is_connected_again(settled: World) -> None:
    settled.sandbox.expire_connection("a1", "slack")
    reconcile(settled)
    assert settled.row("connections", linked_account_id="a1")["status"] == "reauth_required"
    settled.sandbox.recover_connection("a1", "slack")
    reconcile(settled)

    assert settled.row("connections", linked_account_id="a1")["status"] == "connected"


def test_a_connection_that_was_removed_and_made_again_between_two_runs_is_read(settled: World) -> None:
    settled.sandbox.disconnect("a1", "slack")
    settled.clock.pass_time(60)
    settled.sandbox.connect("a1", "slack")
    reconcile(settled)

    assert settled.mirror() == settled.truth()


def test_a_missing_account_is_proved_by_a_404_and_never_made_again(settled: World) -> None:
    settled.sandbox.delete_account("a1")
    report = reconcile(settled)
    again = reconcile(settled)

    assert settled.row("linked_accounts", linked_account_id="a1")["status"] == "missing"
    assert settled.row("connections", linked_account_id="a1")["status"] == "disconnected"
    assert settled.row("configs", linked_account_id="a1")["status"] == "deleted"
    assert report.run.repaired == 2  # the account, and the connection with its config
    assert again.run.repaired == 0
    assert settled.sandbox.effects(kind="account_created", linked_account_id="a1") == []


def test_an_account_that_goes_while_its_connection_is_being_read_takes_everything_along(settled: World) -> None:
    settled.sandbox.expire_connection("a1", "slack")
    settled.sandbox.connect("a1", "hubspot")

    def delete_it(request: httpx.Request) -> None:
        if "/application/" in request.url.path and "a1" in settled.truth()["accounts"]:
            settled.sandbox.delete_account("a1")

    report = reconcile(settled, wire=Wire(settled, before=delete_it))

    assert report.ending is Ending.IN_AGREEMENT, "the listing had it, so it is looked at again before it is missing"
    assert settled.calls().count("read_account") > 1
    settled.work_until_quiet()
    assert settled.row("linked_accounts", linked_account_id="a1")["status"] == "missing"
    assert settled.mirror() == settled.truth()
    assert reconcile(settled).ending is Ending.IN_AGREEMENT
    assert settled.rows("checks") == settled.rows("suspicions") == []


def test_a_connection_that_waits_for_a_deletion_is_not_called_looked_at(settled: World) -> None:
    settled.sandbox.add_faults(Fault(route="delete_account"))
    settled.publish(UserDeleted("a1"))
    settled.work()
    settled.sandbox.expire_connection("a1", "slack")
    settled.clock.pass_time(60)
    report = reconcile(settled)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert settled.rows("looks", linked_account_id="a1") == []
    with reading(settled.engine).begin() as connection:
        (shown,) = list_connections(connection, "a1")
    assert (shown.status, shown.fresh_at) == ("connected", shown.verified_at)
    settled.sandbox.clear_faults()
    settled.work_until_quiet()
    assert settled.mirror() == settled.truth()
    assert settled.rows("checks") == []


def test_what_waits_for_a_notification_that_came_late_is_not_called_read(settled: World) -> None:
    settled.sandbox.disconnect("a1", "slack")
    with settled.engine.begin() as connection:
        record_check(
            connection, "a1", "slack", due_at=settled.clock(), reason="notification", expects=Expected.CONNECTED
        )
    settled.work()  # it waits for the connection, and has not read the configs
    assert settled.rows("configs", linked_account_id="a1") != []
    report = reconcile(settled, deep=True)

    assert report.ending is Ending.IN_AGREEMENT
    assert settled.mirror() == settled.truth()
    assert settled.rows("checks") == []


def test_configs_edited_made_and_deleted_in_the_browser_are_found_by_a_deep_run(settled: World) -> None:
    settled.sandbox.edit_config("a0", "slack", fields={"mention": "@channel"})
    settled.client.config("a1", "slack", config_id="second")
    settled.sandbox.delete_config("a2", "slack")
    report = reconcile(settled, deep=True)

    assert report.ending is Ending.IN_AGREEMENT
    assert settled.mirror() == settled.truth()
    assert report.run.repaired == 3


def test_a_plain_run_reads_the_configs_of_accounts_that_changed(make_world: Callable[..., World]) -> None:
    world = make_world(options={"reconcile_config_share": 0})
    for name in ("a0", "a1"):
        world.publish(UserSignedUp(name, name=name, udf={}))
        world.work_until_quiet()
        world.sandbox.connect(name, "slack")
        world.publish(ConnectionAuthorized(name, "slack"))
        world.work_until_quiet()
        world.sandbox.edit_config(name, "slack", fields={"mention": "@channel"})
    world.sandbox.rename_account("a1", "New name")
    reconcile(world)

    fields = {row["linked_account_id"]: row["fields"] for row in world.rows("configs")}
    assert fields["a1"]["mention"] == "@channel"
    assert fields["a0"].get("mention") != "@channel"


def test_a_rolling_share_reads_every_connection_within_a_known_number_of_runs(
    make_world: Callable[..., World],
) -> None:
    world = make_world(options={"reconcile_config_share": 0.25, "catalogue_refresh_seconds": 1e7})
    at_cobalt(world, range(8), "slack")
    for _ in range(4):
        reconcile(world)
        world.clock.pass_time(3_600)

    looked = [row["looked_at"] for row in world.rows("looks")]
    assert len(looked) == 8
    oldest = min(looked)
    report = reconcile(world)
    assert report.run.calls == 1 + 2 * 2
    assert min(row["looked_at"] for row in world.rows("looks")) > oldest


def test_connections_that_cannot_be_read_do_not_keep_the_others_from_their_turn(
    make_world: Callable[..., World],
) -> None:
    world = make_world(options={"reconcile_config_share": 0.25, "catalogue_refresh_seconds": 1e7})
    at_cobalt(world, range(8), "slack")
    broken = [Fault(route="read_application", linked_account_id=name) for name in ("a0", "a1")]
    world.sandbox.add_faults(*broken)
    left = []
    for _ in range(4):
        left.append(reconcile(world).run.left)
        world.clock.pass_time(3_600)

    assert left == [2, 0, 0, 0]  # the workers have them in hand from then on
    assert {row["linked_account_id"] for row in world.rows("looks")} == {f"a{number}" for number in range(2, 8)}
    assert {row["linked_account_id"] for row in world.rows("checks")} == {"a0", "a1"}
    world.sandbox.clear_faults()
    assert reconcile(world, deep=True).ending is Ending.IN_AGREEMENT
    assert len(world.rows("looks")) == 8


def test_a_false_alarm_costs_one_read_and_changes_nothing(settled: World) -> None:
    """An account that the listing does not show, and that is there."""
    before = settled.rows("linked_accounts", status="active")
    report = reconcile(settled, wire=_HalfListing(settled, left_out={"a1"}))

    assert report.ending is Ending.IN_AGREEMENT
    assert report.run.repaired == 0
    assert [row["status"] for row in settled.rows("linked_accounts")] == ["active"] * len(before)


class _HalfListing(Wire):
    """Cobalt with a listing that lacks some accounts."""

    def __init__(self, world: World, *, left_out: set[str]) -> None:
        super().__init__(world)
        self._left_out = left_out

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if "page" not in request.url.params:
            return response
        page = response.json()
        page["docs"] = [one for one in page["docs"] if one["account_id"] not in self._left_out]
        page["totalDocs"] -= len(self._left_out)
        return httpx.Response(response.status_code, json=page, request=request)


def test_a_subject_that_cannot_be_read_is_left_and_says_so(settled: World) -> None:
    settled.sandbox.expire_connection("a1", "slack")
    settled.sandbox.rename_account("a2", "New name")
    settled.sandbox.add_faults(Fault(answer=Answer.ERROR, route="read_application"))
    report = reconcile(settled)

    assert report.ending is Ending.DIFFERENCES_LEFT
    row = run_row(settled, report)
    assert row["finished_at"] is not None
    assert row["left"] >= 1
    assert settled.row("linked_accounts", linked_account_id="a2")["name"] == "New name"
    assert settled.row("connections", linked_account_id="a1")["status"] == "connected"
    settled.sandbox.clear_faults()
    settled.work_until_quiet()  # the workers go on with what was left
    assert settled.row("connections", linked_account_id="a1")["status"] == "reauth_required"


def test_an_account_that_a_worker_holds_is_waited_for(settled: World) -> None:
    settled.sandbox.rename_account("a1", "New name")
    with settled.engine.begin() as connection:
        now = settled.clock(connection)
        taken = take_lease(connection, "a1", "slack", now=now, began=0.0, ttl=timedelta(seconds=3))
    assert taken is not None
    report = reconcile(settled)

    assert report.ending is Ending.IN_AGREEMENT
    assert settled.row("linked_accounts", linked_account_id="a1")["name"] == "New name"


def test_an_account_that_a_worker_holds_for_long_is_left_to_it(settled: World) -> None:
    settled.sandbox.rename_account("a1", "New name")
    with settled.engine.begin() as connection:
        now = settled.clock(connection)
        taken = take_lease(connection, "a1", "slack", now=now, began=0.0, ttl=timedelta(seconds=600))
    assert taken is not None
    report = reconcile(settled)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert settled.row("checks", linked_account_id="a1", slug="")["reason"] == f"reconciliation {report.run.id}"
    settled.clock.pass_time(700)
    settled.work_until_quiet()
    assert settled.row("linked_accounts", linked_account_id="a1")["name"] == "New name"


def test_a_refused_key_ends_the_run_and_halts_nothing_by_itself(settled: World) -> None:
    before = mirrored(settled)
    settled.key = "tk_wrong"
    report = reconcile(settled)

    assert report.ending is Ending.UNFINISHED
    assert mirrored(settled) == before
    assert settled.rows("runs", place="reconcile") == []


def test_a_key_of_the_other_environment_makes_no_call(settled: World) -> None:
    settled.key = "pk_sandbox"
    report = reconcile(settled)

    assert report.ending is Ending.UNFINISHED
    assert "production key" in (report.run.stopped_because or "")
    assert settled.calls() == []


def test_a_float_that_jsonb_writes_as_an_integer_is_no_difference(make_world: Callable[..., World]) -> None:
    world = make_world(sandbox_settings={"value_types_checked": False})
    at_cobalt(world, [1], "slack")
    world.client.config("a1", "slack")
    world.sandbox.edit_config("a1", "slack", fields={"mention": 1e20})
    reconcile(world, deep=True)
    before = len(world.rows("history"))

    for _ in range(2):
        assert reconcile(world, deep=True).ending is Ending.IN_AGREEMENT
    assert reconcile(world, deep=True, dry_run=True).differences == []
    assert len(world.rows("history")) == before
