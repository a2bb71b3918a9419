"""Every call is a row: those of an attempt are written with it."""

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.tables import work
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.circuit import FAILING_ACCOUNTS
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World


def connected(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work()
    world.sandbox.connect("acme", "slack")


def test_calls_are_rows_with_their_attempt_and_no_id_in_the_path(world: World) -> None:
    connected(world)
    event = ConfigChanged("acme", "slack", fields={"channel": "alerts"})
    world.publish(event)
    world.work_until_quiet()

    of_account = world.rows("calls", slug="")
    of_connection = world.rows("calls", slug="slack")
    sign_up = next(row for row in of_account if row["method"] == "PUT")
    assert (sign_up["method"], sign_up["path"], sign_up["slug"]) == ("PUT", "/api/v2/public/linked-account", "")
    assert (sign_up["status"], sign_up["outcome"], sign_up["linked_account_id"]) == (200, "answered", "acme")
    changed = [row for row in of_connection if row["because"] == {"events": [{"source": "host", "id": event.id}]}]
    assert len({row["attempt"] for row in changed}) == 1
    assert "/api/v2/public/config" in {row["path"] for row in changed}
    assert not [row for row in world.rows("calls") if "acme" in row["path"] or "slack" in row["path"]]
    assert all(row["made_at"] <= world.clock() and row["took_ms"] >= 0 == row["waited_ms"] for row in changed)


def test_the_ledger_of_cobalt_has_as_many(world: World) -> None:
    connected(world)
    world.publish(ConnectionAuthorized("acme", "slack"), ConfigChanged("acme", "slack", fields={"channel": "a"}))
    world.work_until_quiet()

    assert len(world.rows("calls")) == len(world.calls())


def test_a_reconciliation_has_its_pages_and_reads_and_the_catalogue_there(world: World) -> None:
    connected(world)
    at_cobalt(world, range(3), "slack")
    mirrored = len(world.rows("calls"))
    found = reconcile(world, dry_run=True, deep=True, page_size=2)
    repaired = reconcile(world, page_size=2)
    world.catalogue.refresh()

    assert (found.ending, repaired.ending) == (Ending.DIFFERENCES_LEFT, Ending.IN_AGREEMENT)
    rows = world.rows("calls")[mirrored:]
    assert len(rows) == len(world.sandbox.calls())
    of_dry_run, of_run = (
        [row for row in rows if row["because"] == {"reconciliation": each.run.id}] for each in (found, repaired)
    )
    pages = [row for row in of_run if not row["linked_account_id"]]
    assert [(row["linked_account_id"], row["slug"], row["status"]) for row in pages] == [("", "", 200)] * 2
    read = {(row["linked_account_id"], row["slug"]) for row in of_dry_run}
    assert ("acme", "slack") in read
    assert rows[-1]["because"] == {"catalogue": "refreshed"}
    assert all(row["linked_account_id"] for row in rows if row["because"] == {"catalogue": "refreshed"})
    assert all(row["made_at"] <= world.clock() for row in rows)


def test_a_probe_is_a_row_that_says_what_it_asks(world: World) -> None:
    world.sandbox.add_faults(Fault())
    world.publish(*(UserSignedUp(f"customer-{n}", name="Somebody") for n in range(FAILING_ACCOUNTS)))
    world.clock.stop_at(world.clock())
    world.work()
    world.clock.pass_time(60)
    world.sandbox.clear_faults()
    world.work()

    probes = [row for row in world.rows("calls") if "probe" in row["because"]]
    assert [(row["because"]["probe"], row["outcome"], row["linked_account_id"]) for row in probes] == [
        ("is it an outage?", "failed", ""),
        ("does Cobalt answer again?", "answered", ""),
    ]
    assert len(world.rows("calls")) == len(world.sandbox.calls())


def test_a_refused_call_has_its_status_and_cobalts_name_for_it(world: World) -> None:
    world.publish(ConfigChanged("acme", "no-such-application", fields={"channel": "alerts"}))
    world.work()

    row = world.rows("calls")[-1]
    assert (row["outcome"], row["status"]) == ("absent", 404)
    assert row["request_id"]


def test_switched_off_it_writes_none(world: World) -> None:
    world.settings = world.settings.model_copy(update={"calls_sample_share": 0})
    world.use_key(world.key)
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work()
    reconcile(world)

    assert world.row("linked_accounts")["status"] == "active"
    assert world.rows("calls") == []


def test_the_calls_of_an_attempt_whose_lease_is_lost_are_rows_too(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme"))
    call = world.client.upsert_account

    def while_another_takes_over(*args: object, **kwargs: object) -> object:
        with world.engine.begin() as connection:
            connection.execute(work.update().values(lease_token="another"))
        return call(*args, **kwargs)  # type: ignore[arg-type]

    world.client.upsert_account = while_another_takes_over  # type: ignore[method-assign,assignment]
    with pytest.raises(LeaseLost):
        world.attempts.attempt("acme")

    assert world.rows("linked_accounts") == []
    assert [row["method"] for row in world.rows("calls")] == ["GET", "PUT"]


def test_the_calls_of_a_deleted_account_go_with_it(world: World) -> None:
    connected(world)
    world.publish(UserDeleted("acme"))
    world.work_until_quiet()

    assert world.row("deletions")["confirmed_at"] is not None
    assert world.rows("calls") == []
    with world.attempts.recorder.recording({"catalogue": "refreshed"}, linked_account_id="acme"):
        world.client.probe()  # as if the catalogue had been asked for through this account meanwhile
    assert world.rows("calls") == []
