"""The organisation's default application: Cobalt may list it with every account that has credentials for it."""

from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import reconcile
from tests.world import World


def test_it_is_said_until_a_setting_names_it(world: World) -> None:
    world.sandbox.change_settings(default_application_shown=True)
    world.publish(UserSignedUp("acme", auth_credentials={"token": "secret"}), UserSignedUp("other"))
    world.work_until_quiet()
    report = reconcile(world)

    assert (report.ending, report.run.unmapped) == (Ending.DIFFERENCES_LEFT, 1)
    (app_id,) = report.unmapped
    world.settings = world.settings.model_copy(update={"cobalt_default_app_id": app_id})
    world.use_key(world.key)
    named = reconcile(world)
    assert (named.ending, named.run.unmapped, dict(named.unmapped)) == (Ending.IN_AGREEMENT, 0, {})
    assert world.rows("connections") == []
