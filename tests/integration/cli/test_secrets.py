"""What an operator types to replace an encryption key, and what the commands answer."""

import json

from cryptography.fernet import Fernet
from sqlalchemy import Engine

from cobalt_mirror.db.vault import Vault
from tests.commands import Ended, Shell
from tests.integration.cli.rows import add_event

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
[OLDS, NEWS, LOSTS] = [Vault.from_keys(key).key_fingerprints()[0] for key in (OLD, NEW, LOST)]


def add_sealed(engine: Engine, id_: str, key: str) -> None:
    add_event(engine, id_, payload={"sealed": Vault.from_keys(key).seal({"auth_credentials": {"token": "s3cret"}})})


def test_a_key_is_replaced(mirror: Shell, engine: Engine) -> None:
    add_sealed(engine, "1", OLD)
    add_event(engine, "2", payload={"sealed": Fernet(OLD).encrypt(b'{"udf": {}}').decode()})
    keys = {"MIRROR_SECRET_KEYS": f"{NEW},{OLD}"}

    before = mirror.run("secrets", "status", **keys)
    rotated = mirror.run("secrets", "rotate", "--batch", "1", **keys)
    after = mirror.run("secrets", "status", **keys)

    assert (before.status, before.errors, before.output.splitlines()) == (
        0,
        "",
        [
            f"key 1 (fingerprint {NEWS}) seals 0 rows of events; new secrets are sealed with it",
            f"key 2 (fingerprint {OLDS}) seals 2 rows of events, 1 row of them since before sealed values had a "
            "fingerprint; run `cobalt-mirror secrets rotate`, which seals them with key 1",
        ],
    )
    assert rotated == Ended(0, f"2 rows of events sealed with key 1 (fingerprint {NEWS})\n", "")
    assert (after.status, after.output.splitlines()[1].partition(";")[0]) == (
        0,
        f"key 2 (fingerprint {OLDS}) seals nothing any more",
    )


def test_what_no_key_opens_is_told_and_is_exit_code_3(mirror: Shell, engine: Engine) -> None:
    add_sealed(engine, "1", LOST)
    add_sealed(engine, "2", NEW)
    keys = {"MIRROR_SECRET_KEYS": NEW}

    status, told = mirror.run("secrets", "status", **keys), mirror.run("secrets", "status", "--json", **keys)
    rotated = mirror.run("secrets", "rotate", **keys)

    assert [status.status, told.status, rotated.status] == [3, 3, 3]
    assert status.output.splitlines()[1] == (
        f"1 row of events: sealed by a key that is not in MIRROR_SECRET_KEYS (fingerprint {LOSTS}); add that key "
        "at the end, then run `cobalt-mirror secrets rotate`"
    )
    assert json.loads(told.output) == {
        "keys": [
            {
                "position": 1,
                "fingerprint": NEWS,
                "rows": {"events": 1},
                "rows_without_fingerprint": {"events": 0},
                "same_as": None,
            }
        ],
        "keys_not_configured": [{"fingerprint": LOSTS, "rows": {"events": 1}}],
        "opened_by_no_key": {"events": 0},
    }
    assert rotated.errors == "1 row left: no key opens them; see `cobalt-mirror secrets status`\n"


def test_without_keys_nothing_can_be_rotated(mirror: Shell) -> None:
    rotated, status = mirror.run("secrets", "rotate"), mirror.run("secrets", "status")

    assert (rotated.status, rotated.output) == (1, "")
    assert rotated.errors.startswith("cobalt-mirror: MIRROR_SECRET_KEYS is not set, so nothing can be sealed; set it")
    assert status == Ended(0, "MIRROR_SECRET_KEYS is not set, and nothing is sealed\n", "")
