"""The steps in docs/operations.md that replace the secret key work as written."""

import json

from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged
from tests.acceptance.reader import type_in
from tests.commands import Shell
from tests.pages import OPERATIONS, block
from tests.world import TEST_KEY, World


def test_the_steps_replace_the_key(world: World, shell: Shell) -> None:
    world.publish(ConfigChanged("acme", "slack", fields={"password": "s3cret"}))
    (shell.folder / "mirror.key").write_text(f"{TEST_KEY}\n")

    done = type_in(shell, block(OPERATIONS, "sh", "secrets rotate"), DATABASE_URL=world.database_url)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 row of events sealed with key 1 ")
    assert "\nkey 2 (fingerprint " in done.stdout
    assert ") seals nothing any more; remove it from MIRROR_SECRET_KEYS" in done.stdout
    key = (shell.folder / "new.key").read_text().strip()
    assert Vault.from_keys(key).unseal(world.row("events")["payload"]["sealed"])["fields"] == {"password": "s3cret"}
    told = shell.run("secrets", "status", "--json", DATABASE_URL=world.database_url, MIRROR_SECRET_KEYS=key)
    assert [each["rows"] for each in json.loads(told.output)["keys"]] == [{"events": 1}]
