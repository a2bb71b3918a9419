"""Workers of the release before 0006 run on while 0006 and 0007 come: what they can no longer write waits, whole."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import ConfigChanged, UserSignedUp
from tests.around import around_the_rules
from tests.migrations import old_release
from tests.migrations.old_release import LEASE, REFUSAL, OldWorker
from tests.waiting import wait_until
from tests.world import World

BEFORE, WITH_COLUMNS, WITH_KEY = "0005", "0006", "0007"
STATEMENTS = {name for name, value in vars(old_release).items() if name.isupper() and "{ours}" in str(value)}


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    settings = DatabaseSettings(database_url=database_url)
    command.upgrade(alembic_config(settings), BEFORE)
    return settings


@pytest.fixture
def engine(settings: DatabaseSettings) -> Iterator[Engine]:
    """The old workers' own."""
    engine = create_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def old(engine: Engine) -> OldWorker:
    return OldWorker(engine=engine)


def statuses(engine: Engine) -> dict[str, str]:
    """The status of each event by its id."""
    with reading(engine).begin() as connection:
        return {row.id: row.status for row in connection.execute(select(tables.events.c.id, tables.events.c.status))}


def configs(engine: Engine) -> dict[str, Any]:
    """The fields of each account's config, of which it has one."""
    c = tables.configs.c
    with reading(engine).begin() as connection:
        return {row.linked_account_id: row.fields for row in connection.execute(select(c.linked_account_id, c.fields))}


@pytest.mark.parametrize("version", [BEFORE, WITH_COLUMNS])
def test_up_to_0006_an_old_worker_does_all_that_it_did(
    settings: DatabaseSettings, engine: Engine, old: OldWorker, version: str
) -> None:
    command.upgrade(alembic_config(settings), version)
    old.mirror("acme")
    old.publish("acme")
    OldWorker(engine=engine, fields='{"channel": "general"}').attempt("acme")

    assert statuses(engine) == {"acme": "done"}
    upgrade(settings)
    assert configs(engine) == {"acme": {"channel": "general"}}


def test_from_0007_on_its_change_of_a_known_config_is_refused_and_rolled_back(
    settings: DatabaseSettings, engine: Engine, old: OldWorker
) -> None:
    old.mirror("acme")
    old.publish("acme")
    command.upgrade(alembic_config(settings), WITH_KEY)
    with reading(engine).begin() as connection:
        before = connection.execute(select(tables.history)).all()

    with pytest.raises(DBAPIError, match=REFUSAL):
        OldWorker(engine=engine, fields='{"channel": "general"}').attempt("acme")

    assert statuses(engine) == {"acme": "pending"}
    assert configs(engine) == {"acme": {"channel": "alerts"}}
    with reading(engine).begin() as connection:
        assert connection.execute(select(tables.history)).all() == before
        assert connection.execute(select(tables.work.c.lease_token)).scalars().all() == ["lease of acme"]


def test_every_other_statement_of_its_goes_on_working(settings: DatabaseSettings, old: OldWorker) -> None:
    old.mirror("acme")
    old.publish("acme")
    upgrade(settings)

    refused = {}
    for name in sorted(STATEMENTS - {"UPSERT_CONFIG"}):
        arguments = {"type": "config_changed"} if name == "PUBLISH" else {}
        with old.engine.connect() as connection:
            try:
                old.send(connection, getattr(old_release, name), "acme", **arguments)
            except DBAPIError as error:
                refused[name] = str(error.orig)

    assert refused == {}


class OldInstallation(threading.Thread):
    """Old hosts and workers: new customers come, each with a config and a change of it, until told to stop."""

    def __init__(self, old: OldWorker) -> None:
        super().__init__(daemon=True)
        self.done: list[str] = []
        self.refused: list[str] = []
        self.failure: Exception | None = None
        self._old = old
        self._stopped = threading.Event()

    def run(self) -> None:
        try:
            while not self._stopped.wait(0.02):
                self._serve(f"customer {len(self.done) + len(self.refused):03}")
        except Exception as error:  # raised again where the test sees it
            self.failure = error

    def _serve(self, account: str) -> None:
        self._old.publish(account)
        self._old.mirror(account)
        try:
            self._old.attempt(account)
        except DBAPIError as error:
            if not re.search(REFUSAL, str(error)):
                raise
            self.refused.append(account)
        else:
            self.done.append(account)

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        if self.failure is not None:
            raise self.failure


def test_while_it_migrates_each_old_attempt_is_whole_or_waits_for_a_new_worker(
    settings: DatabaseSettings, engine: Engine, old: OldWorker
) -> None:
    installation = OldInstallation(old)
    installation.start()
    wait_until(lambda: len(installation.done) >= 3 or installation.failure)
    upgrade(settings)
    wait_until(lambda: len(installation.refused) >= 3 or installation.failure)
    installation.stop()

    assert installation.done + installation.refused == sorted(installation.done + installation.refused)
    assert statuses(engine) == {
        **dict.fromkeys(installation.done, "done"),
        **dict.fromkeys(installation.refused, "pending"),
    }

    new = World(settings.database_url)
    for account in installation.refused:  # an old worker had changed it at Cobalt, or is the new one to do so
        new.client.upsert_account(account, name="Acme")
        new.sandbox.connect(account, "slack")
        new.client.config(account, "slack")
    new.work()
    assert {*statuses(engine).values()} == {"done", "pending"}  # the old workers' leases hold
    new.clock.pass_time((LEASE + timedelta(seconds=1)).total_seconds())
    new.work_until_quiet()

    assert {*statuses(engine).values()} == {"done"}
    finished = {key: value for key, value in new.mirror()["configs"].items() if key[0] in installation.refused}
    assert finished == new.truth()["configs"]
    assert {repr(fields) for fields, _ in finished.values()} == {"{'channel': 'alerts'}"}
    assert {row["connection_id"] for row in new.rows("configs")} == {""}
    new.close()


def test_a_worker_that_meets_a_status_of_a_newer_release_puts_that_account_off_and_loses_nothing(
    sqlite_url: str,
) -> None:
    """As one of the release before 0022 does with `discarded`."""
    upgrade(DatabaseSettings(database_url=sqlite_url))
    world = World(sqlite_url)
    older, newer = (ConfigChanged("acme", "slack", fields={"mention": each}) for each in ("@old", "@new"))
    world.publish(UserSignedUp("acme"), older, newer)
    with around_the_rules(world.engine) as connection:
        connection.execute(
            text("UPDATE events SET status = 'unheard_of', finished_at = due_at WHERE id = :id"), {"id": newer.id}
        )
    world.publish(UserSignedUp("bob", id="bob"))

    world.work()

    by_id = {each.id: each for each in world_events(world)}
    assert by_id["bob"].status == "done"
    assert (by_id[older.id].status, by_id[older.id].move) == ("pending", "operator")
    assert by_id[older.id].last_error == "ValueError: 'unheard_of' is not a valid EventStatus"

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE events SET status = 'discarded' WHERE id = :id"), {"id": newer.id})
    world.work_until_quiet()
    assert world.statuses([older, newer]) == ["done", "discarded"]
    world.close()


def world_events(world: World) -> list[Any]:
    with reading(world.engine).begin() as connection:
        return list(connection.execute(text("SELECT id, status, move, last_error FROM events")))
