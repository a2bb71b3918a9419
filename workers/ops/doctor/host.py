"""The examination from within a host's process: what publishing and reading there need, and no more."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Engine

from cobalt_mirror.db.diagnosis import HOST_RIGHTS, find_lacking, find_lockers
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import BadSetting, NotMigrated
from cobalt_mirror.db.migrating.version import check_version, list_versions, read_version
from cobalt_mirror.db.settings import MirrorSettings
from cobalt_mirror.db.time_limits import limit_waits
from cobalt_mirror.workers.ops.actions import list_actions
from cobalt_mirror.workers.ops.doctor.database import AREA, judge_lockers, judge_rights
from cobalt_mirror.workers.ops.doctor.finding import Finding, Level, broken, fine
from cobalt_mirror.workers.ops.doctor.processes import judge_processes, judge_work
from cobalt_mirror.workers.ops.doctor.secret_keys import MOST_TRIED, judge_keys
from cobalt_mirror.workers.ops.doctor.settings import judge_names, judge_secret_keys
from cobalt_mirror.workers.ops.overview import read_overview
from cobalt_mirror.workers.ops.secret_keys import examine_keys
from cobalt_mirror.workers.settings import Settings


def examine_host(variables: Mapping[str, str]) -> Iterator[Finding]:
    """Examine the settings that are used in the host's process. This connects to nothing.

    Args:
        variables: the settings by name. Those that only our own processes use may be missing or wrong.
    """
    yield from judge_names(name for name, value in variables.items() if value)
    try:
        settings = MirrorSettings.from_variables(variables)
    except BadSetting as error:
        yield broken("settings", str(error), "correct it, then restart")
        return
    yield from judge_secret_keys(settings)


def examine_host_database(engine: Engine, settings: MirrorSettings, database: str) -> Iterator[Finding]:
    """Examine the mirror in the host's database, with the rights of the host's role.

    Args:
        engine: the host's database, in the schema that has our tables.
        settings: the settings in force.
        database: what findings call it.

    Raises:
        Exception: whatever the host's library raises if the database fails.
    """
    with reading(engine).begin() as connection:
        limit_waits(connection)
        try:
            newer = check_version(read_version(connection), database)
        except NotMigrated as error:
            wrong, _, remedy = str(error).rpartition("; ")
            yield broken(AREA, wrong, remedy)
            return
        yield fine(AREA, f"the tables of {database} are at version {newer or list_versions()[-1]}")
        if connection.dialect.name == "postgresql":
            yield from judge_lockers(find_lockers(connection))
            rights = judge_rights(find_lacking(connection, HOST_RIGHTS))
            yield rights
            if rights.level is not Level.FINE:
                return
    yield from judge_keys(examine_keys(engine, settings.vault(), most_tried=MOST_TRIED))
    overview = read_overview(engine)
    yield from judge_processes(overview.processes, overview.at)
    facts = overview.facts(Settings(), newer_schema=newer, write_failure=None, redis_failure=None)
    yield from judge_work(list_actions(facts))
