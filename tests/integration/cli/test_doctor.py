"""The examination of real servers: what is in order, and what is broken on purpose."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.heartbeat import Heartbeat
from tests.commands import Shell
from tests.integration.cli.rows import add_event
from tests.world import TEST_KEY


def examined(shell: Shell, *options: str, **variables: str) -> dict[str, list[dict[str, Any]]]:
    """The findings that are not fine, by area, and those of the areas that are."""
    ended = shell.run("doctor", "--json", *options, **variables)
    assert ended.errors == ""
    findings: list[dict[str, Any]] = json.loads(ended.output)["findings"]
    worst = max(("fine", "warning", "broken").index(each["level"]) for each in findings)
    assert ended.status == worst
    return {
        area: [each for each in findings if each["area"] == area and each["level"] != "fine"]
        for area in {each["area"] for each in findings}
    }


@pytest.fixture
def healthy(shell: Shell, migrated_url: str, redis_url: str) -> Shell:
    """All that has to run, runs; nothing was connected yet."""
    shell.variables.update(
        DATABASE_URL=migrated_url, REDIS_URL=redis_url, COBALT_API_KEY="tk_sandbox", MIRROR_SECRET_KEYS=TEST_KEY
    )
    engine = create_engine(DatabaseSettings(database_url=migrated_url))
    for kind in (ProcessKind.RELAY, ProcessKind.WORKER):
        Heartbeat(kind, engine).beat()
    engine.dispose()
    return shell


def test_an_installation_that_works_is_fine_but_for_its_webhook(healthy: Shell) -> None:
    with SandboxServer() as cobalt:
        findings = examined(healthy, COBALT_BASE_URL=cobalt.url)

    ((webhook,),) = [findings.pop("webhook")]
    assert webhook["text"] == "Cobalt sends no notifications: no webhook is registered"
    assert webhook["remedy"] == "run `cobalt-mirror webhook ensure URL`"
    areas = {"settings", "database", "secrets", "processes", "work", "reconcile", "redis", "clocks", "cobalt"}
    assert set(findings) == areas
    assert [each for each in findings.values() if each] == []


def test_offline_nobody_elsewhere_is_asked(healthy: Shell) -> None:
    with SandboxServer() as cobalt:
        findings = examined(healthy, "--offline", COBALT_BASE_URL=cobalt.url)
        calls = cobalt.sandbox.calls()

    assert (calls, "cobalt" in findings, "webhook" in findings) == ([], False, False)


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_clock_that_is_off_and_a_key_that_is_missing_are_told(healthy: Shell, migrated_url: str) -> None:
    engine = create_engine(DatabaseSettings(database_url=migrated_url))
    Heartbeat(ProcessKind.WEB, engine, local_clock=lambda: datetime.now(UTC) + timedelta(hours=1)).beat()
    lost = Vault.from_keys(Fernet.generate_key().decode())
    add_event(engine, "1", status="done", payload={"sealed": lost.seal({"udf": {}})})
    engine.dispose()
    findings = examined(healthy, "--offline")

    ((clock,), (key,)) = findings["clocks"], findings["secrets"]
    assert (clock["level"], key["level"]) == ("broken", "broken")
    assert "(web " in clock["text"]
    assert key["text"].endswith(f"(fingerprint {lost.key_fingerprints()[0]})")


def test_what_fails_is_told_and_the_rest_is_looked_at_all_the_same(shell: Shell) -> None:
    away = {"DATABASE_URL": "postgresql://nobody:s3cret@127.0.0.1:1/x", "REDIS_URL": "redis://:s3cret@127.0.0.1:1"}
    ended = shell.run("doctor", **away, COBALT_API_KEY="tk_s3cret", COBALT_BASE_URL="http://127.0.0.1:1")

    assert ended.status == 2
    assert "s3cret" not in ended.output + ended.errors
    broken = [line.split(maxsplit=2)[1] for line in ended.output.splitlines() if line.startswith("broken")]
    assert broken == ["database:", "redis:", "cobalt:"]


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(shell: Shell) -> None:
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "COBALT_BASE_URL": "http://cobalt.example"}
    ended = shell.run("doctor", **away, COBALT_API_KEY="tk_s3cret", HTTP_PROXY="http://u:s3/cret@p:1", NO_PROXY="")

    assert ended.status == 2
    assert "broken       cobalt: HTTP_PROXY: has a user or password with characters that must be" in ended.output
    assert not [part for part in ("/cret", "u:s3", "Invalid") if part in ended.output + ended.errors]


def test_a_wrong_setting_is_told(shell: Shell) -> None:
    ended = shell.run("doctor", COBALT_BURST="many")

    assert (ended.status, ended.errors) == (2, "")
    assert ended.output.startswith("broken       settings: COBALT_BURST")


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_rights_an_open_transaction_and_a_wrong_key_are_found_on_a_real_server(
    healthy: Shell, migrated_url: str
) -> None:
    url = make_url(migrated_url)
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    role = f"doctor_{url.database}"
    with psycopg.connect(address, autocommit=True) as owner, psycopg.connect(address) as host:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        owner.execute(f"GRANT USAGE ON SCHEMA cobalt_mirror TO {role}")
        owner.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA cobalt_mirror TO {role}")
        host.execute("SELECT count(*) FROM cobalt_mirror.events")  # and it stays open, though not for long yet
        with SandboxServer() as cobalt:
            findings = examined(
                healthy,
                DATABASE_URL=url.set(username=role).render_as_string(hide_password=False),
                COBALT_BASE_URL=cobalt.url,
                COBALT_API_KEY="tk_wrong",
            )
        owner.execute(f"DROP OWNED BY {role}")
        owner.execute(f"DROP ROLE {role}")

    rights, others = findings["database"]
    assert (rights["level"], rights["text"].split(" on ")[0]) == ("broken", "the role lacks DELETE")
    assert (others["level"], others["remedy"]) == (
        "warning",
        "GRANT pg_read_all_stats TO the role in DATABASE_URL",
    )
    ((key,),) = [findings["cobalt"]]
    assert (key["level"], key["remedy"]) == ("broken", "set the right COBALT_API_KEY, restart the workers")


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_role_without_any_right_is_told_and_the_rest_is_looked_at_all_the_same(
    healthy: Shell, migrated_url: str
) -> None:
    url = make_url(migrated_url)
    role = f"stranger_{url.database}"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        stranger = url.set(username=role).render_as_string(hide_password=False)
        findings = examined(healthy, "--offline", DATABASE_URL=stranger)
        owner.execute(f"DROP ROLE {role}")

    ((right,),) = [findings["database"]]
    assert right["text"] == "the database failed: permission denied for schema cobalt_mirror"
    assert right["remedy"] == "grant it; docs/hosting.md has the rights of each role"
    assert findings["redis"] == []
