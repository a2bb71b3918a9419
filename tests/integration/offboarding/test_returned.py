"""A deleted account that Cobalt has again without an event: nothing agrees, and the operator is called for it."""

import pytest

from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import UserDeleted, UserSignedUp
from cobalt_mirror.workers.cli.reconcile import _document
from cobalt_mirror.workers.cli.reconcile_summary import summary
from cobalt_mirror.workers.ops.actions import Cause, list_actions
from cobalt_mirror.workers.ops.causes import read_causes
from cobalt_mirror.workers.ops.overview import read_overview
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import reconcile
from tests.world import World


def called_for(world: World) -> str | None:
    """What `status` calls the operator for, if it is this; a monitor is told the same."""
    overview = read_overview(world.engine, clock=world.clock)
    facts = overview.facts(world.settings, newer_schema=None, write_failure=None, redis_failure=None)
    with reading(world.engine).begin() as connection:
        causes = read_causes(connection, world.settings, now=world.clock(), dead={}, write_failure=None)
    texts = {action.cause: action.text for action in list_actions(facts)}
    assert (Cause.RETURNED in causes) is (Cause.RETURNED in texts)
    return texts.get(Cause.RETURNED)


@pytest.mark.parametrize("keeps", [False, True])
def test_nothing_agrees_while_cobalt_has_an_account_again_that_was_deleted(ada: World, *, keeps: bool) -> None:
    ada.publish(UserDeleted("ada"))
    ada.work_until_quiet()
    assert ada.row("deletions")["confirmed_at"] is not None
    ada.client.upsert_account("ada", name="Ada")
    assert called_for(ada) is None

    report = reconcile(ada, deep=True)
    said = list(summary(report))
    assert report.ending is Ending.DIFFERENCES_LEFT
    assert "1 account deleted here, and at Cobalt again without a user_signed_up, first of them ada" in said[0]
    assert _document(report)["returned"] == {"accounts": 1, "first": "ada"}
    assert not any("agree" in line for line in said)
    assert called_for(ada) == said[0]
    assert reconcile(ada, account="ada").ending is Ending.DIFFERENCES_LEFT
    assert reconcile(ada, account="ada", dry_run=True).ending is Ending.DIFFERENCES_LEFT

    ada.clock.pass_time(60)
    ada.publish(UserSignedUp("ada", name="Ada", udf={}) if keeps else UserDeleted("ada"))
    ada.work_until_quiet()
    assert called_for(ada) is None
    report = reconcile(ada, deep=True)
    assert report.ending is Ending.IN_AGREEMENT
    assert list(summary(report))[-1].startswith("mirror and Cobalt agree")


def test_another_account_is_not_touched_by_that(ada: World) -> None:
    ada.publish(UserSignedUp("bob", name="Bob", udf={}), UserDeleted("ada"))
    ada.work_until_quiet()
    ada.client.upsert_account("ada", name="Ada")
    reconcile(ada, deep=True)

    assert reconcile(ada, account="bob").ending is Ending.IN_AGREEMENT
