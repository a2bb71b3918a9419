"""Version 0008 adds two counters of workflow runs, while the release before is running."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import Engine, text

from cobalt_mirror.db import list_workflow_runs
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.notifications import EndedRun, record_notification, record_workflow_run
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import RunEnding
from tests.migrations.schemas import versions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: What the release before 0008 runs for a notification about a workflow.
RECORD = """
    INSERT INTO {schema}notifications (received_at, event, linked_account_id, instance_id, payload)
    VALUES ('2026-03-01T12:00:00.000000Z', 'Workflow Completed', 'acme', :instance, '{{}}')
    ON CONFLICT (instance_id) DO NOTHING
"""
COUNT = """
    INSERT INTO {schema}workflow_runs AS runs (linked_account_id, workflow_id, last_run_at, completed)
    VALUES ('acme', 'w1', '2026-03-01T12:00:00.000000Z', 1)
    ON CONFLICT (linked_account_id, workflow_id) DO UPDATE SET completed = runs.completed + 1
"""


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=database_url)


@pytest.fixture
def engine(settings: DatabaseSettings) -> Iterator[Engine]:
    engine = create_engine(settings)
    yield engine
    engine.dispose()


def version_before(version: str, settings: DatabaseSettings) -> str:
    found = versions(settings)
    return found[found.index(version) - 1]


def notify_as_before(engine: Engine, instance: str) -> None:
    """What the release before does when Cobalt notifies of a run."""
    schema = "" if engine.dialect.name == "sqlite" else "cobalt_mirror."
    with engine.begin() as connection:
        if connection.execute(text(RECORD.format(schema=schema)), {"instance": instance}).rowcount:
            connection.execute(text(COUNT.format(schema=schema)))


def notify(engine: Engine, instance: str, account: str = "acme") -> None:
    run = EndedRun(
        linked_account_id=account,
        workflow_id="w1",
        ending=RunEnding.TIMED_OUT,
        config_id=None,
        workflow_name=None,
        status=None,
        error=None,
    )
    with engine.begin() as connection:
        if record_notification(
            connection, received_at=NOON, event="x", payload={}, linked_account_id=account, instance_id=instance
        ):
            record_workflow_run(connection, run, at=NOON)


def test_runs_that_were_counted_stay_and_both_releases_go_on_counting(
    settings: DatabaseSettings, engine: Engine
) -> None:
    command.upgrade(alembic_config(settings), version_before("0008", settings))
    notify_as_before(engine, "i1")

    upgrade(settings)

    for instance in ("i1", "i2", "i3"):
        notify_as_before(engine, instance)
    for instance in ("i1", "i3", "i4"):
        notify(engine, instance)
        notify(engine, instance, "beta")
    notify_as_before(engine, "i4")
    with reading(engine).begin() as connection:
        (acme,), (beta,) = list_workflow_runs(connection, "acme"), list_workflow_runs(connection, "beta")
    assert (acme.completed, acme.errored, acme.stopped, acme.timed_out) == (3, 0, 0, 1)
    assert (beta.completed, beta.errored, beta.stopped, beta.timed_out) == (0, 0, 0, 3)
