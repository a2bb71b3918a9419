"""Keys are rotated during every call of live workers: what they read before stays right, and nothing comes back."""

from collections.abc import Callable

import httpx
from cryptography.fernet import Fernet

from cobalt_mirror.db.vault import Vault, find_fingerprint
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.ops.rotating import Rotation
from tests.integration.journey.wires import Wire, workers_over
from tests.world import World

FIRST, SECOND = (Fernet.generate_key().decode() for _ in range(2))
SIGN_UP = UserSignedUp("acme", "Acme", {"plan": "pro"}, {"token": "t0ken"})
CHANGE = ConfigChanged("acme", "slack", fields={"mention": "@here"})


def test_a_rotation_during_every_call_changes_nothing_but_the_seals(make_world: Callable[..., World]) -> None:
    world = make_world(secret_keys=f"{FIRST},{SECOND}")
    vaults = [Vault.from_keys(f"{FIRST},{SECOND}"), Vault.from_keys(f"{SECOND},{FIRST}")]
    resealed = 0

    def rotate(_request: httpx.Request) -> None:
        nonlocal resealed
        vaults.reverse()
        resealed += Rotation(engine=world.engine, vault=vaults[0]).run().resealed

    world.attempts = workers_over(world, Wire(world, before=rotate, after=rotate))
    world.publish(SIGN_UP)
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"), CHANGE)
    world.work_until_quiet()

    assert resealed > 2
    assert world.statuses([SIGN_UP, CHANGE]) == ["done", "done"]
    assert world.mirror() == world.truth()
    assert world.event(SIGN_UP)["payload"] == {"name": "Acme", "udf": {"plan": "pro"}, "had_credentials": True}
    sealed = world.event(CHANGE)["payload"]["sealed"]
    assert find_fingerprint(sealed) == vaults[0].key_fingerprints()[0]
    assert vaults[0].unseal(sealed)["fields"] == CHANGE.payload()["fields"]
    assert [receipt.is_new for receipt in world.publish(SIGN_UP, CHANGE)] == [False, False]
