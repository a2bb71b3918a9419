"""Brings a database's schema up to date, and tells whether it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import DropSchema

from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.errors import NotMigrated, Unreachable
from cobalt_mirror.db.settings import DatabaseSettings

VERSION_TABLE = "cobalt_mirror_version"

_IN_A_CHECKOUT = Path(__file__).resolve().parents[1] / "alembic"
_IN_A_WHEEL = Path(__file__).parent / "migrations"


def alembic_config(settings: DatabaseSettings) -> Config:
    """Alembic's configuration for this database, wherever the migrations are installed."""
    config = Config()
    scripts = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _IN_A_CHECKOUT
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["settings"] = settings
    return config


def upgrade(settings: DatabaseSettings) -> None:
    """Create or update our tables. Running it again changes nothing; two at once take turns.

    Raises:
        Unreachable: no database answers. Check `DATABASE_URL`, then run it again.
    """
    with _answering(settings):
        command.upgrade(alembic_config(settings), "head")


def check_migrated(settings: DatabaseSettings) -> None:
    """Make sure that the database answers and has this version's tables.

    Raises:
        Unreachable: no database answers at `DATABASE_URL`.
        NotMigrated: the tables are absent or older than this code. Run `cobalt-mirror migrate`.
    """
    engine = create_engine(settings, pool_size=1)
    try:
        with _answering(settings):
            found = _version(engine, settings)
    finally:
        engine.dispose()
    versions = [script.revision for script in ScriptDirectory.from_config(alembic_config(settings)).walk_revisions()]
    if found is None:
        state = "has none of our tables"
    elif found in versions[1:]:
        state = f"is at version {found}, this code wants {versions[0]}"
    else:  # ours, or a newer release's: its migrations work with this code still running
        return
    raise NotMigrated(f"the database at {_shown(settings)} {state}; run `cobalt-mirror migrate`")


def drop_schema(engine: Engine, name: str) -> None:
    """Remove a schema with everything in it. For installations that live no longer than a demo."""
    with engine.begin() as connection:
        connection.execute(DropSchema(name, cascade=True, if_exists=True))


def _version(engine: Engine, settings: DatabaseSettings) -> str | None:
    schema = None if engine.dialect.name == "sqlite" else settings.mirror_schema
    with reading(engine).begin() as connection:
        options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
        return MigrationContext.configure(connection, opts=options).get_current_revision()


@contextmanager
def _answering(settings: DatabaseSettings) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if error.statement is not None:  # it did answer
            raise
        raise Unreachable(f"no database answers at {_shown(settings)}; start it or correct DATABASE_URL") from error


def _shown(settings: DatabaseSettings) -> str:
    return settings.url().render_as_string(hide_password=True)
