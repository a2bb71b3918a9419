"""Which version of our tables a database has, and which versions this release knows. Alembic is not needed for it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.exc import OperationalError

from cobalt_mirror.db.engine import create_engine, is_missing, reading, schema_of
from cobalt_mirror.db.errors import NewerDatabase, NotMigrated
from cobalt_mirror.db.refusals import connecting_failed, is_of_connecting
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import VERSION_TABLE

_IN_A_CHECKOUT = Path(__file__).resolve().parents[2] / "alembic"
_IN_A_WHEEL = Path(__file__).parents[1] / "migrations"


def check_migrated(settings: DatabaseSettings) -> str | None:
    """Make sure that the database answers and has this version's tables, or those of a newer one.

    Returns:
        The version of the database, if this release does not know it, as a newer one migrated it; else None.

    Raises:
        Unreachable: no database answers at `DATABASE_URL`.
        AccessRefused: the server there refuses the connection. Do what the text says.
        NotMigrated: the tables are absent or older than this code. Run `cobalt-mirror migrate`.
    """
    with answering(settings):
        found = find_version(settings)
    if is_missing(settings):
        raise NotMigrated(
            f"the database at {settings.described_url()} does not exist; "
            "run `cobalt-mirror migrate` or correct DATABASE_URL"
        )
    return check_version(found, f"the database at {settings.described_url()}")


def check_version(found: str | None, database: str) -> str | None:
    """Make sure that a database has this version's tables, or those of a newer one. See `check_migrated`.

    Args:
        found: the version of its tables; None: it has none of ours.
        database: what the error calls it.
    """
    versions = list_versions()
    if found is None:
        state = "has no tables of the mirror"
    elif found in versions[:-1]:
        state = f"is at version {found}, but this release needs {versions[-1]}"
    else:  # ours, or a newer release's: what this code can no longer write there is refused, whole, and waits
        return None if found in versions else found
    raise NotMigrated(f"{database} {state}; run `cobalt-mirror migrate`")


def refuse_unknown(found: Collection[str], settings: DatabaseSettings) -> None:
    """Make sure that the versions found in a database are ones that this release knows.

    Raises:
        NewerDatabase: one is not.
    """
    for version in set(found).difference(list_versions()):
        raise NewerDatabase(
            f"the database at {settings.described_url()} is at version {version}, which this release does not know; "
            "install the newer release that migrated it"
        )


def find_scripts() -> Path:
    """Return the folder of the migrations."""
    return _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _IN_A_CHECKOUT


def list_versions() -> Sequence[str]:
    """Return every version that this release knows, oldest first: what the names of the migrations begin with."""
    return sorted(path.name.partition("_")[0] for path in (find_scripts() / "versions").glob("[0-9]*.py"))


def find_version(settings: DatabaseSettings) -> str | None:
    """Return the version of a database's tables; None if it has none of ours."""
    if is_missing(settings):  # asking it would create it
        return None
    engine = create_engine(settings, pool_size=1)
    try:
        with reading(engine).begin() as connection:
            return read_version(connection)
    finally:
        engine.dispose()


def read_version(connection: Connection) -> str | None:
    """Return the version of the tables in the connection's schema; None if there are none of ours."""
    schema = None if connection.dialect.name == "sqlite" else schema_of(connection)
    if not inspect(connection).has_table(VERSION_TABLE, schema=schema):
        return None
    versions = table(VERSION_TABLE, column("version_num"), schema=schema)
    return connection.execute(select(versions.c.version_num)).scalar_one_or_none()


@contextmanager
def answering(settings: DatabaseSettings) -> Iterator[None]:
    """Raise our error for one that came from connecting to the database."""
    try:
        yield
    except OperationalError as error:
        if not is_of_connecting(error):
            raise
        raise connecting_failed(error, settings.described_url()) from error
