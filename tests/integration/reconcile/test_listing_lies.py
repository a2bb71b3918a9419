"""Listings that contradict themselves: the run ends, says so, and finishes what can be known."""

from collections.abc import Callable

import pytest

from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, reconcile, run_row
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world in which no connection is read only because its turn has come."""
    return make_world(options={"reconcile_config_share": 0})


#: How the listing lies, the most pages of a walk over 150 accounts, and words of what is told.
LIES = [
    ("left_out", 2, "page 1 has 99 accounts instead of 100"),
    ("endless", 6, "page 2 has 49 accounts instead of 100, although another page follows"),
    ("shrinking", 14, "it became shorter again and again"),
    ("repeated", 2, "page 2 has only accounts of earlier pages"),
]


@pytest.mark.parametrize(("lie", "pages", "told"), LIES)
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_run_over_a_listing_that_lies_ends_and_says_so(world: World, lie: str, pages: int, told: str) -> None:
    at_cobalt(world, range(150))
    assert reconcile(world).ending is Ending.IN_AGREEMENT
    before = world.row("state", key="last_pass")
    world.clock.pass_time(3_600)
    world.sandbox.delete_account("a7")
    world.sandbox.change_settings(listing_lie=lie)
    world.calls()
    report = reconcile(world)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert world.calls().count("list_accounts") <= pages
    row = run_row(world, report)
    assert told in row["contradiction"]
    assert row["finished_at"] is not None
    # Absence is proved by a read, as ever; where a third of all accounts is not shown, none is believed to be gone.
    missing = [one["linked_account_id"] for one in world.rows("linked_accounts", status="missing")]
    assert (missing, row["left"]) == (([], 50) if lie == "repeated" else (["a7"], 0))
    assert world.row("state", key="last_pass") == before
    world.sandbox.change_settings(listing_lie="none")
    assert reconcile(world).ending is Ending.IN_AGREEMENT
