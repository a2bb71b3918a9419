"""`cobalt-mirror changes` as a process."""

import json
import signal

import pytest
from sqlalchemy import Engine, delete

from cobalt_mirror.db.mirror import end_account
from cobalt_mirror.db.tables import changes
from tests.commands import Ended, Shell
from tests.integration.cli.rows import BECAUSE

pytestmark = pytest.mark.usefixtures("customer")


def test_it_prints_each_change_with_its_position_without_a_relay(mirror: Shell) -> None:
    ended = mirror.run("changes")

    assert (ended.status, ended.errors) == (0, "")
    assert [line.split()[0] for line in ended.output.splitlines()] == ["1", "2", "3"]
    assert "account.created" in ended.output
    assert '{"from": null, "to": "connected", "auth_type": "oauth2"}' in ended.output
    assert mirror.run("changes", "--after", "3") == Ended(0, "no changes after 3\n", "")


def test_a_program_goes_on_after_the_last_position_and_is_told_of_what_was_pruned(
    mirror: Shell, engine: Engine
) -> None:
    (first,) = json.loads(mirror.run("changes", "--json", "--limit", "1").output)
    rest = json.loads(mirror.run("changes", "--json", "--after", str(first["position"])).output)
    assert [each["type"] for each in (first, *rest)] == ["account.created", "connection.connected", "config.changed"]
    assert rest[1]["data"]["fields"] == {"channel": {"from": None, "to": "alerts"}}

    with engine.begin() as connection:
        connection.execute(delete(changes).where(changes.c.position <= 2))
    missed = mirror.run("changes", "--after", "1")
    assert (missed.status, missed.output) == (1, "")
    assert "the entries 2 to 2 were pruned; read the mirror, then go on with after=2" in missed.errors


def test_it_follows_what_comes_until_ctrl_c(mirror: Shell, engine: Engine) -> None:
    with mirror.start("changes", "--after", "2", "--follow", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "config.changed"
        with engine.begin() as connection:
            end_account(connection, "acme", BECAUSE)
        types = [json.loads(process.stdout.readline())["type"] for _ in range(3)]
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    assert types == ["account.deleted", "connection.removed", "config.changed"]
    assert (process.returncode, output) == (0, "")
