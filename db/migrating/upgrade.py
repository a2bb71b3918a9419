"""Bring a database's schema up to date."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import DropSchema

from cobalt_mirror.db.engine import create_engine, make_folder
from cobalt_mirror.db.errors import LockTimeout, MigrationGaveWay, MissingRight
from cobalt_mirror.db.lock_holders import Holder
from cobalt_mirror.db.migrating.patience import Patience
from cobalt_mirror.db.migrating.rights import find_missing_right
from cobalt_mirror.db.migrating.version import answering, find_scripts, find_version, list_versions, refuse_unknown
from cobalt_mirror.db.settings import DatabaseSettings

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_INSUFFICIENT_PRIVILEGE = "42501"


def alembic_config(settings: DatabaseSettings, patience: Patience | None = None) -> "Config":
    """Return Alembic's configuration for this database, wherever the migrations are installed."""
    from alembic.config import Config  # noqa: PLC0415 - `migrate` loads Alembic only if there is something to do

    config = Config()
    config.set_main_option("script_location", str(find_scripts()).replace("%", "%%"))
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
    with answering(settings), _naming_missing_rights(settings):
        found = find_version(settings)
        refuse_unknown(() if found is None else (found,), settings)
        versions = list_versions()
        pending = versions if found is None else versions[versions.index(found) + 1 :]
        if not pending:
            return
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - see `alembic_config`

        scripts = ScriptDirectory.from_config(alembic_config(settings))
        for version in pending:
            _apply(version, scripts, settings, patience)


def drop_schema(engine: Engine, name: str) -> None:
    """Remove a schema with everything in it. For installations that live no longer than a demo."""
    with engine.begin() as connection:
        connection.execute(DropSchema(name, cascade=True, if_exists=True))


def _apply(version: str, scripts: "ScriptDirectory", settings: DatabaseSettings, patience: Patience) -> None:
    """Upgrade to a version, which another process may have done already. Between tries nothing of ours is open."""
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 - see `alembic_config`

    def steps(current: Any, _context: Any) -> Any:
        """As `alembic upgrade` finds them, which would load all migrations again for each version."""
        return scripts._upgrade_revs(version, current)

    holder: Holder | None = None
    for number in range(patience.tries):
        if number > 0:
            time.sleep(patience.pause * random.uniform(0.5, 1.5))
        try:
            with EnvironmentContext(alembic_config(settings, patience), scripts, fn=steps, destination_rev=version):
                scripts.run_env()
            return
        except LockTimeout as error:
            holder = error.holder or holder
    raise MigrationGaveWay(
        f"migration {version} of the database at {settings.described_url()} could not get a lock in {patience.tries} "
        f"tries: {holder or 'another transaction'} holds it; the migration was rolled back, and running processes "
        "continue; "
        f"{holder.remedy if holder else 'wait for that to end'}, then run `cobalt-mirror migrate` again"
    )


@contextmanager
def _naming_missing_rights(settings: DatabaseSettings) -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
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
