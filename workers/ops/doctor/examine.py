"""The examination in order. What fails is a finding, and what does not depend on it is looked at all the same."""

import os
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.diagnosis import ServerFacts, ask_server
from cobalt_mirror.db.engine import create_engine, database_clock, reading
from cobalt_mirror.db.errors import BadSetting, DatabaseError
from cobalt_mirror.db.migrating.version import check_migrated, list_versions
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.db.time_limits import limit_waits
from cobalt_mirror.db.writable import find_write_failure
from cobalt_mirror.workers.ops.actions import ELSEWHERE, list_actions
from cobalt_mirror.workers.ops.doctor.clocks import judge_clock, judge_machines
from cobalt_mirror.workers.ops.doctor.database import AREA, judge_connections, judge_latency, judge_server, judge_writes
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine
from cobalt_mirror.workers.ops.doctor.latency import quickest_ms
from cobalt_mirror.workers.ops.doctor.processes import judge_pass, judge_processes, judge_work
from cobalt_mirror.workers.ops.doctor.redis_server import examine_redis
from cobalt_mirror.workers.ops.doctor.secret_keys import MOST_TRIED, judge_keys
from cobalt_mirror.workers.ops.doctor.settings import judge_settings
from cobalt_mirror.workers.ops.overview import Overview, read_overview
from cobalt_mirror.workers.ops.readiness import find_newer_schema, list_key_problems
from cobalt_mirror.workers.ops.secret_keys import examine_keys
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.failures import describe

#: The remedy for a statement that fails for a reason that this examination itself is to find.
_ELSEWHERE = "see the lines above, and the log of the database"


def examine(*, offline: bool) -> Iterator[Finding]:
    """Look at everything, one thing after the other.

    Args:
        offline: whether to leave out Cobalt and the webhook, which are elsewhere.
    """
    try:
        settings = Settings.from_environment()
    except BadSetting as error:
        yield broken("settings", str(error), "correct it, then run this again")
        return
    variables = [name for name, value in os.environ.items() if value]
    yield from judge_settings(settings, variables, list_key_problems(settings))
    overview = None
    of_redis = list(examine_redis(settings))
    try:
        overview = yield from _examine_database(settings, redis_failure=_failure(settings, of_redis))
    except DatabaseError as error:
        wrong, _, remedy = str(error).rpartition("; ")
        yield broken(AREA, wrong or str(error), remedy if wrong else "correct that, then run this again")
    except SQLAlchemyError as error:
        wrong, _, remedy = describe(error, newer_schema=find_newer_schema(error)).partition("; ")
        is_this = "cobalt-mirror doctor" in remedy
        yield broken(AREA, wrong, _ELSEWHERE if is_this or not remedy else remedy)
    yield from of_redis
    if not offline and settings.cobalt_api_key.get_secret_value():
        from cobalt_mirror.workers.ops.doctor.cobalt_api import examine_cobalt  # noqa: PLC0415 - it loads httpx
        from cobalt_mirror.workers.ops.doctor.webhook import examine_webhook  # noqa: PLC0415 - it does, too

        is_fine = yield from examine_cobalt(settings, pinned=None if overview is None else overview.environment)
        if is_fine and overview is not None:
            yield from examine_webhook(settings, overview.webhook)


def _failure(settings: Settings, of_redis: Sequence[Finding]) -> str | None:
    """Return what is wrong with a Redis that cannot be used: then nothing else is found."""
    is_used = settings.redis_url is None or len(of_redis) > 1
    return None if is_used else of_redis[0].text


def _examine_database(settings: Settings, *, redis_failure: str | None) -> Generator[Finding, None, Overview]:
    newer = check_migrated(settings)
    yield fine(AREA, f"{settings.described_url()} answers; its tables are at version {newer or list_versions()[-1]}")
    engine = create_engine(settings, pool_size=1)
    try:
        server = yield from _examine_server(engine, settings)
        overview = read_overview(engine)
        yield from judge_keys(examine_keys(engine, settings.vault(), most_tried=MOST_TRIED))
    finally:
        engine.dispose()
    if server is not None:
        yield judge_connections(server, settings, workers=overview.count_alive(ProcessKind.WORKER))
    yield from judge_processes(overview.processes, overview.at)
    yield from judge_machines(overview.processes, overview.at)
    facts = overview.facts(settings, newer_schema=newer, write_failure=None, redis_failure=redis_failure)
    yield from judge_work([action for action in list_actions(facts) if action.cause not in ELSEWHERE])
    has_accounts = overview.configs.total > 0 or overview.applications > 0
    yield judge_pass(overview.passed_at, overview.at, has_accounts=has_accounts)
    return overview


def _examine_server(engine: Engine, settings: Settings) -> Generator[Finding, None, ServerFacts | None]:
    if engine.dialect.name == "sqlite":
        yield fine(AREA, "SQLite, which is for one machine and one process that writes at a time")
        return None
    with reading(engine).begin() as connection:
        limit_waits(connection)
        milliseconds = quickest_ms(lambda: database_clock(connection))
        before = datetime.now(UTC)
        at = database_clock(connection)
        after = datetime.now(UTC)
        facts = ask_server(connection)
    port = make_url(settings.database_url).port
    yield from judge_server(facts, settings, at=at, port=port)
    yield judge_latency(milliseconds)
    yield from judge_clock("the database", at, before=before, after=after)
    yield judge_writes(find_write_failure(engine))
    return facts
