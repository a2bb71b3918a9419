"""The history of a row begins with what the row holds: two nulls mean that a value was erased."""

from cobalt_mirror.events import UserSignedUp
from tests.integration.journey.replay import check_history
from tests.world import World


def test_a_customer_without_a_name_has_no_name_in_the_history(world: World) -> None:
    world.publish(UserSignedUp("acme"))
    world.work_until_quiet()

    (began,) = world.rows("history", what="linked_account")
    assert began["changes"]["status"] == [None, "active"]
    assert [None, None] not in began["changes"].values()
    check_history(world)
