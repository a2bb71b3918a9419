"""However badly notifications come through, one run of reconcile ends in agreement, and late ones change nothing."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.events import ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from cobalt_mirror.workers.web import create_app
from tests.effort import tries
from tests.integration.reconcile.runs import reconcile
from tests.integration.web.endpoints import Endpoints
from tests.world import World

ACCOUNTS, SLUGS = ("a0", "a1"), ("slack", "hubspot")


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Endpoints]:
    file = tmp_path_factory.mktemp("stage") / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    world = World(f"sqlite:///{file}", is_durable=False)
    yield Endpoints(world, create_app(world.settings, engine=world.engine, clock=world.clock))
    world.close()


def begin(endpoints: Endpoints) -> None:
    """Two customers with a connection each; Cobalt tells of whatever happens from now on."""
    world = endpoints.world
    world.clear()
    for name in ACCOUNTS:
        world.publish(UserSignedUp(name, name=name, udf={}))
        world.work_until_quiet()
        world.sandbox.connect(name, "slack")
        world.publish(ConnectionAuthorized(name, "slack"))
    world.work_until_quiet()
    endpoints.subscribe()


def happen(world: World, action: str, account: str, slug: str) -> None:
    """One thing in the dashboard; what makes no sense there does nothing."""
    with suppress(LookupError, ValueError):
        match action:
            case "connect" | "disconnect" | "expire_connection" | "recover_connection":
                getattr(world.sandbox, action)(account, slug)
            case "delete_account":
                world.sandbox.delete_account(account)
            case "rename_account":
                world.sandbox.rename_account(account, "renamed")
            case "edit_config":
                world.sandbox.edit_config(account, slug, config_id=account, fields={"mention": "@edited"})


def test_a_run_waits_for_the_looks_at_a_connection_and_then_for_those_at_its_configs(endpoints: Endpoints) -> None:
    begin(endpoints)
    world = endpoints.world
    happen(world, "disconnect", "a1", "slack")  # its config goes with it
    happen(world, "connect", "a1", "slack")
    endpoints.deliver([endpoints.sent()[0]])  # the first alone: what it tells does not show any more
    world.work()
    assert [row["looks"] for row in world.rows("checks")] == [1]

    assert reconcile(world, deep=True).ending is Ending.IN_AGREEMENT
    assert world.mirror() == world.truth()


ACTIONS = (
    "connect",
    "disconnect",
    "expire_connection",
    "recover_connection",
    "delete_account",
    "rename_account",
    "edit_config",
)


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    actions=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.sampled_from(ACCOUNTS), st.sampled_from(SLUGS)), min_size=1, max_size=6
    ),
    how=st.randoms(use_true_random=False),
)
def test_after_one_deep_run_nothing_differs_whatever_became_of_the_notifications(
    endpoints: Endpoints, actions: list[tuple[str, str, str]], how: Random
) -> None:
    begin(endpoints)
    world, late = endpoints.world, []
    for action, account, slug in actions:
        happen(world, action, account, slug)
        told = [each for each in endpoints.sent() if how.random() < 0.7]  # the others are lost
        told += [each for each in told if how.random() < 0.3]
        how.shuffle(told)
        kept_back = [each for each in told if how.random() < 0.4]
        late += kept_back
        endpoints.deliver(each for each in told if each not in kept_back)
        if how.random() < 0.5:
            world.work()
    report = reconcile(world, deep=True)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.mirror() == world.truth()
    how.shuffle(late)
    endpoints.deliver(late)
    world.work_until_quiet()
    assert world.mirror() == world.truth()
    assert world.rows("checks") == world.rows("work") == []
