"""Brings a database's schema up to date, and tells whether it is."""

import random
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.schema import DropSchema

from cobalt_mirror.db.engine import create_engine, is_missing, make_folder, reading
from cobalt_mirror.db.errors import (
    LockTimeout,
    MigrationGaveWay,
    MissingRight,
    NewerDatabase,
    NotMigrated,
)
from cobalt_mirror.db.lock_holders import Holder
from cobalt_mirror.db.migrating.patience import Patience
from cobalt_mirror.db.migrating.rights import find_missing_right
from cobalt_mirror.db.refusals import connecting_failed, is_of_connecting
from cobalt_mirror.db.settings import DatabaseSettings

VERSION_TABLE = "cobalt_mirror_version"

_IN_A_CHECKOUT = Path(__file__).resolve().parents[2] / "alembic"
_IN_A_WHEEL = Path(__file__).parents[1] / "migrations"


def alembic_config(settings: DatabaseSettings, patience: Patience | None = None) -> Config:
    """Alembic's configuration for this database, wherever the migrations are installed."""
    config = Config()
    scripts = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _IN_A_CHECKOUT
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["settings"] = settings
    config.attributes["patience"] = patience
    return config


def upgrade(settings: DatabaseSettings, patience: Patience | None = None) -> None:
    """Create or update our tables. Running it again changes nothing; two at once take turns.

    Each version is committed by itself, so that those before a failed one stay.

    Args:
        settings: where the database is and what its schema is called.
        patience: how long to wait for others on PostgreSQL. None: as `Patience` says.

    Raises:
        Unreachable: no database answers. Check `DATABASE_URL`, then run it again.
        AccessRefused: the server refuses the connection. Do what the text says, then run it again.
        NewerDatabase: a newer release was here. Install that one.
        MissingRight: our role may not do it. The text says what to grant.
        MigrationGaveWay: somebody else's transaction was in the way for too long. Run it again after its end.
    """
    patience = Patience() if patience is None else patience
    make_folder(settings)
    with _answering(settings), _naming_missing_rights(settings):
        found = _find_version(settings)
        refuse_unknown(() if found is None else (found,), settings)
        versions = _versions(settings)
        pending = versions if found is None else versions[versions.index(found) + 1 :]
        for version in pending:
            _apply(version, settings, patience)


def check_migrated(settings: DatabaseSettings) -> str | None:
    """Make sure that the database answers and has this version's tables, or those of a newer one.

    Returns:
        The version of the database, if this release does not know it, as a newer one migrated it; else None.

    Raises:
        Unreachable: no database answers at `DATABASE_URL`.
        AccessRefused: the server there refuses the connection. Do what the text says.
        NotMigrated: the tables are absent or older than this code. Run `cobalt-mirror migrate`.
    """
    with _answering(settings):
        found = _find_version(settings)
    versions = _versions(settings)
    if is_missing(settings):
        raise NotMigrated(
            f"the database at {_shown(settings)} does not exist; run `cobalt-mirror migrate` or correct DATABASE_URL"
        )
    if found is None:
        state = "has no tables of the mirror"
    elif found in versions[:-1]:
        state = f"is at version {found}, but this release needs {versions[-1]}"
    else:  # ours, or a newer release's: what this code can no longer write there is refused, whole, and waits
        return None if found in versions else found
    raise NotMigrated(f"the database at {_shown(settings)} {state}; run `cobalt-mirror migrate`")


def refuse_unknown(found: Collection[str], settings: DatabaseSettings) -> None:
    """Make sure that the versions found in a database are ones that this release knows.

    Raises:
        NewerDatabase: one is not.
    """
    for version in set(found).difference(_versions(settings)):
        raise NewerDatabase(
            f"the database at {_shown(settings)} is at version {version}, which this release does not know; "
            "install the newer release that migrated it"
        )


def drop_schema(engine: Engine, name: str) -> None:
    """Remove a schema with everything in it. For installations that live no longer than a demo."""
    with engine.begin() as connection:
        connection.execute(DropSchema(name, cascade=True, if_exists=True))


def _apply(version: str, settings: DatabaseSettings, patience: Patience) -> None:
    """Upgrade to a version, which another process may have done already. Between tries nothing of ours is open."""
    holder: Holder | None = None
    for number in range(patience.tries):
        if number > 0:
            time.sleep(patience.pause * random.uniform(0.5, 1.5))
        try:
            command.upgrade(alembic_config(settings, patience), version)
            return
        except LockTimeout as error:
            holder = error.holder or holder
    raise MigrationGaveWay(
        f"migration {version} of the database at {_shown(settings)} could not get a lock in {patience.tries} tries: "
        f"{holder or 'another transaction'} holds it; the migration was rolled back, and running processes continue; "
        f"{holder.remedy if holder else 'wait for that to end'}, then run `cobalt-mirror migrate` again"
    )


def _versions(settings: DatabaseSettings) -> Sequence[str]:
    """Every version that this release knows, oldest first."""
    scripts = ScriptDirectory.from_config(alembic_config(settings))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _find_version(settings: DatabaseSettings) -> str | None:
    if is_missing(settings):  # asking it would create it
        return None
    engine = create_engine(settings, pool_size=1)
    schema = None if engine.dialect.name == "sqlite" else settings.mirror_schema
    try:
        with reading(engine).begin() as connection:
            options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
            return MigrationContext.configure(connection, opts=options).get_current_revision()
    finally:
        engine.dispose()


@contextmanager
def _answering(settings: DatabaseSettings) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not is_of_connecting(error):
            raise
        raise connecting_failed(error, _shown(settings)) from error


@contextmanager
def _naming_missing_rights(settings: DatabaseSettings) -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        engine = create_engine(settings, pool_size=1)
        try:
            with engine.begin() as connection:
                missing = find_missing_right(connection, settings.mirror_schema)
        finally:
            engine.dispose()
        if missing is None:
            raise
        raise MissingRight(missing) from error


def _shown(settings: DatabaseSettings) -> str:
    return settings.described_url()
