"""Changes beside a password that Cobalt hides are made field by field, and come to an end however slow Cobalt is."""

from collections.abc import Callable
from dataclasses import replace

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.integration.journey.wires import Wire, workers_over
from tests.world import World

SLOW_SECONDS = 9.0


def test_a_change_that_runs_out_of_time_goes_on_where_it_was(make_world: Callable[..., World]) -> None:
    world = make_world(sandbox_settings={"password_values": "masked"})
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "postgresql", auth_type="keybased")
    world.publish(ConnectionAuthorized("acme", "postgresql"))
    world.publish(ConfigChanged("acme", "postgresql", fields={"ssl_key": "the-client-key"}))
    world.work_until_quiet()
    world.calls()
    change = ConfigChanged(
        "acme",
        "postgresql",
        fields={"schema": "app", "batch_size": 10},
        workflows=[{"id": "postgresql_load", "enabled": True, "fields": {"row_secret": "the-row-key"}}],
    )
    world.publish(change)
    now = [0.0]

    def dawdle(_request: object) -> None:
        now[0] += SLOW_SECONDS

    slow = replace(workers_over(world, Wire(world, after=dawdle)), monotonic=lambda: now[0])
    attempts = 0
    while world.event(change)["status"] == "pending" and attempts < 20:
        attempts += slow.attempt("acme")
        world.clock.pass_time(1)

    assert world.event(change)["status"] == "done"
    assert attempts > 1  # a lease has room for three such calls, and the change takes six
    calls = [call.path.rpartition("/")[2] for call in world.sandbox.calls(route="set_field")]
    assert {name: calls.count(name) for name in ("schema", "batch_size")} == {"schema": 1, "batch_size": 1}
    assert world.mirror() == world.truth()
    (config,) = world.sandbox.state(secrets=True)["configs"]
    assert config["fields"] == {"ssl_key": "the-client-key", "schema": "app", "batch_size": 10}
