"""A migration gives way to a host's transactions: nobody waits for long, and nothing is left half done."""

import re
import signal
from collections.abc import Iterator
from subprocess import Popen

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.errors import MigrationGaveWay
from cobalt_mirror.db.migrating.patience import Patience, giving_way
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.commands import Shell
from tests.migrations.hosts import APPLICATION, PRIVATE, Publisher, open_transaction, pid_of
from tests.migrations.schemas import get_version, shape, versions
from tests.services import PostgresServer
from tests.waiting import wait_until

LOCK_SECONDS = 2.0
BLOCKED = text("""
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'cobalt-mirror migrate' AND cardinality(pg_blocking_pids(pid)) > 0
""")
INDEXES = text("""
    SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname IN ('ix_events_pending', 'ix_events_unfinished')
""")


@pytest.fixture
def settings(postgres_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=postgres_url)


@pytest.fixture
def engine(settings: DatabaseSettings) -> Iterator[Engine]:
    """Looks on from outside."""
    engine = create_engine(settings).execution_options(isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def onlooker(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def blocked(onlooker: Connection) -> list[int]:
    """The server's processes that migrate and wait for a lock."""
    return list(onlooker.execute(BLOCKED).scalars())


def indexes(onlooker: Connection) -> dict[str, bool]:
    """The two indexes that version 0005 is about, and whether they are valid."""
    return {row.relname: row.indisvalid for row in onlooker.execute(INDEXES)}


def said_by(process: Popen[str]) -> str:
    """What a process says until its end, which is with status 1."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    return output


def test_a_host_goes_on_publishing_while_its_own_transaction_keeps_the_table(
    settings: DatabaseSettings, postgres: PostgresServer, shell: Shell
) -> None:
    command.upgrade(alembic_config(settings), versions(settings)[0])
    migrate = ("migrate", "--lock-timeout", str(LOCK_SECONDS), "--tries", "2")

    with Publisher(settings) as publisher:
        with open_transaction(settings) as host:
            pid = pid_of(host)
            gave_way = shell.run(*migrate, DATABASE_URL=settings.database_url)

        assert gave_way.status == 1
        assert gave_way.output == ""
        assert re.fullmatch(
            r"cobalt-mirror: migration 0003 of the database at \S+ could not get a lock in 2 tries: "
            rf"server process {pid} \(application {APPLICATION}, "
            r"in a transaction since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\) holds it; "
            r"the migration was rolled back, and running processes continue; wait for that transaction to end, or "
            rf"end it with `SELECT pg_terminate_backend\({pid}\)`, then run `cobalt-mirror migrate` again\n",
            gave_way.errors,
        )
        assert PRIVATE not in gave_way.errors
        assert get_version(settings) == "0002"
        with postgres.database() as url:
            as_new = DatabaseSettings(database_url=url)
            command.upgrade(alembic_config(as_new), "0002")
            assert shape(settings) == shape(as_new)

        went_through = shell.run(*migrate, DATABASE_URL=settings.database_url)

    assert went_through.status == 0, went_through.errors
    command.check(alembic_config(settings))
    check_migrated(settings)
    # It did wait behind us, and for no longer than we wait.
    assert LOCK_SECONDS / 2 < max(publisher.seconds) < 2 * LOCK_SECONDS


def test_nothing_of_a_migration_stays_open_between_two_tries(
    settings: DatabaseSettings, onlooker: Connection, shell: Shell
) -> None:
    command.upgrade(alembic_config(settings), "0002")
    seen: set[int] = set()

    def two_were_blocked() -> bool:
        seen.update(blocked(onlooker))
        return len(seen) >= 2

    with (
        open_transaction(settings) as host,
        shell.start(
            "migrate", "--lock-timeout", "0.3", "--tries", "100", DATABASE_URL=settings.database_url
        ) as process,
    ):
        wait_until(two_were_blocked, timeout_seconds=60)
        host.rollback()

        assert process.wait(60) == 0
    check_migrated(settings)


def test_an_index_is_built_while_hosts_publish(
    settings: DatabaseSettings, engine: Engine, onlooker: Connection, shell: Shell
) -> None:
    command.upgrade(alembic_config(settings), "0004")
    with (
        open_transaction(settings) as host,
        shell.start("migrate", DATABASE_URL=settings.database_url) as process,
    ):
        wait_until(lambda: blocked(onlooker))
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as other:
            other.execute(text("SET LOCAL lock_timeout = '1s'"))
            publish_with(settings.vault(), [UserSignedUp("meanwhile")], other)
            other.commit()
        assert blocked(onlooker)

        host.rollback()

        assert process.wait(60) == 0
    assert indexes(onlooker) == {"ix_events_unfinished": True}
    check_migrated(settings)


def test_an_invalid_index_that_a_failed_attempt_left_is_built_again(
    settings: DatabaseSettings, onlooker: Connection
) -> None:
    command.upgrade(alembic_config(settings), "0004")
    impatient = Patience(index_lock=0.2, tries=2, pause=0.1)
    with open_transaction(settings):
        onlooker.execute(text("SET lock_timeout = '100ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):  # as if a process had been killed over it
            onlooker.execute(
                text("CREATE INDEX CONCURRENTLY ix_events_unfinished ON cobalt_mirror.events (linked_account_id)")
            )
        assert indexes(onlooker) == {"ix_events_pending": True, "ix_events_unfinished": False}

        with pytest.raises(MigrationGaveWay, match=r"migration 0005 .* could not get a lock in 2 tries"):
            upgrade(settings, impatient)

        assert get_version(settings) == "0004"
        assert indexes(onlooker)["ix_events_pending"]

    upgrade(settings)

    assert indexes(onlooker) == {"ix_events_unfinished": True}
    definition = onlooker.execute(text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_events_unfinished'"))
    assert "WHERE (finished_at IS NULL)" in definition.scalar_one()
    command.check(alembic_config(settings))


def test_a_run_that_was_killed_between_building_and_dropping_is_taken_up(
    settings: DatabaseSettings, onlooker: Connection
) -> None:
    command.upgrade(alembic_config(settings), "0004")
    onlooker.execute(
        text("""
            CREATE INDEX CONCURRENTLY ix_events_unfinished ON cobalt_mirror.events (linked_account_id)
            WHERE finished_at IS NULL
        """)
    )

    upgrade(settings)

    assert indexes(onlooker) == {"ix_events_unfinished": True}
    assert get_version(settings) == versions(settings)[-1]


def test_a_statement_that_is_cancelled_ends_in_a_sentence(
    settings: DatabaseSettings, onlooker: Connection, shell: Shell
) -> None:
    command.upgrade(alembic_config(settings), "0002")
    with (
        open_transaction(settings),
        shell.start("migrate", "--lock-timeout", "60", DATABASE_URL=settings.database_url) as process,
    ):
        wait_until(lambda: blocked(onlooker))
        onlooker.execute(text("SELECT pg_cancel_backend(:pid)"), {"pid": blocked(onlooker)[0]})

        assert said_by(process).startswith(
            "cobalt-mirror: a statement of the migration was cancelled, because it took longer than 62 s "
        )
    assert get_version(settings) == "0002"


@pytest.mark.parametrize("rest", ["ends", "is killed"])
def test_two_at_once_take_turns_whatever_becomes_of_the_first(
    settings: DatabaseSettings, onlooker: Connection, shell: Shell, rest: str
) -> None:
    command.upgrade(alembic_config(settings), "0004")
    waiting = text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'cobalt-mirror migrate' AND query IN ('ROLLBACK', :take)
    """)
    take = "SELECT pg_try_advisory_xact_lock(hashtext('cobalt_mirror migrations'))"
    with (
        open_transaction(settings) as host,
        shell.start("migrate", DATABASE_URL=settings.database_url) as first,
    ):
        wait_until(lambda: blocked(onlooker))  # it builds an index, and its turn must not be in its own way
        with shell.start("migrate", DATABASE_URL=settings.database_url) as second:
            wait_until(lambda: onlooker.execute(waiting, {"take": take}).scalar_one() == 1)
            assert len(blocked(onlooker)) == 1
            assert second.poll() is None
            if rest == "is killed":
                first.send_signal(signal.SIGKILL)
                first.wait(60)
            host.rollback()

            assert second.wait(60) == 0
        assert first.wait(60) == (0 if rest == "ends" else -signal.SIGKILL)
    command.check(alembic_config(settings))
    assert indexes(onlooker) == {"ix_events_unfinished": True}


def test_a_timeout_for_idle_transactions_does_not_end_a_turn(
    settings: DatabaseSettings, onlooker: Connection, shell: Shell
) -> None:
    command.upgrade(alembic_config(settings), "0004")
    long_at_work = text("SELECT bool_or(now() - query_start > '2s') FROM pg_stat_activity WHERE pid = ANY (:pids)")
    turns = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with open_transaction(settings) as host:
        database = settings.url().database
        onlooker.execute(text(f"ALTER DATABASE \"{database}\" SET idle_in_transaction_session_timeout = '1s'"))
        with shell.start("migrate", DATABASE_URL=settings.database_url) as process:
            wait_until(lambda: onlooker.execute(long_at_work, {"pids": blocked(onlooker)}).scalar_one())
            assert onlooker.execute(turns).scalar_one() == 1
            host.rollback()

            assert process.wait(60) == 0
    check_migrated(settings)


def test_a_timeout_for_idle_transactions_does_not_end_a_migration_that_computes(
    settings: DatabaseSettings, engine: Engine
) -> None:
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.execute(text("SET idle_in_transaction_session_timeout = '200ms'"))
        connection.commit()
        with giving_way(engine, connection, Patience()):
            allowed = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()

    assert allowed == "1min"


def test_one_that_never_gets_its_turn_says_who_has_it(settings: DatabaseSettings, engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as first:
        first.execute(text("SELECT pg_advisory_xact_lock(hashtext('cobalt_mirror migrations'))"))
        pid = pid_of(first)

        with pytest.raises(MigrationGaveWay) as raised:
            upgrade(settings, Patience(turn=0.3))

    assert re.fullmatch(
        rf"another migration of this database did not end within 0\.3 s: server process {pid} \(no application_name, "
        r"in a transaction since [0-9: -]+ UTC\); wait for that transaction to end, or end it with "
        rf"`SELECT pg_terminate_backend\({pid}\)`, then run `cobalt-mirror migrate` again",
        str(raised.value),
    )
    upgrade(settings)
