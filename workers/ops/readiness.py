"""Checks before a process starts, so that it ends with one clear sentence instead of failing later."""

from cobalt_mirror.addresses import shown_address
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.failures import COBALT, DATABASE, WORKERS, comes_from


def ready_for_database() -> Settings:
    """Check what a command with a database needs, and return the settings.

    Raises:
        BadSetting: A variable has an invalid value. Correct it.
        Unreachable: The database does not answer. Start it, or correct DATABASE_URL.
        AccessRefused: The database refuses the connection. Do what the text says.
        NotMigrated: The database lacks our tables. Run `cobalt-mirror migrate`.
    """
    settings = Settings.from_environment()
    check_migrated(settings)
    return settings


def ready_for_relay() -> Settings:
    """Check what a process with database and Redis needs, and return the settings.

    Raises:
        NotReady: Redis does not answer. Start it, or correct REDIS_URL.
        DatabaseError: See `ready_for_database`; also if REDIS_URL is not set.
    """
    settings = Settings.from_environment()
    settings.require_redis()
    check_migrated(settings)
    check_redis(settings)
    return settings


def ready_for_work() -> Settings:
    """Check what a process that calls Cobalt needs, and return the settings. Cobalt itself need not answer yet.

    Raises:
        BadSetting: COBALT_API_KEY is not set. Set it.
        NotReady: See `ready_for_relay`.
        DatabaseError: See `ready_for_relay`.
    """
    Settings.from_environment().require_key()
    return ready_for_relay()


def find_newer_schema(error: Exception) -> str | None:
    """Return the version of the database, if this release does not know it, after an error that it may have caused."""
    if comes_from(error, WORKERS, COBALT, DATABASE):
        return None
    try:
        return check_migrated(Settings.from_environment())
    except Exception:
        return None


def list_key_problems(settings: Settings) -> list[str]:
    """Return a sentence for each key that cannot be one of Cobalt's. A key that is not set is none."""
    keys = {
        "COBALT_API_KEY": settings.cobalt_api_key.get_secret_value(),
        "COBALT_PREVIOUS_API_KEY": settings.cobalt_previous_api_key.get_secret_value(),
    }
    if not any(keys.values()):
        return []
    from cobalt_mirror.cobalt import Environment  # noqa: PLC0415 - only with a key

    return [
        f"{variable} begins with neither tk nor pk, as Cobalt's keys do; copy it again from Cobalt's dashboard"
        for variable, key in keys.items()
        if key and Environment.of_key(key) is None
    ]


def check_redis(settings: Settings) -> None:
    """Check that a Redis answers at REDIS_URL.

    Raises:
        NotReady: It does not answer, or refuses the credentials. The text says where.
    """
    import redis  # noqa: PLC0415 - not every command waits for it

    from cobalt_mirror.workers.redis_clients import create_redis  # noqa: PLC0415

    try:
        with create_redis(settings) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise NotReady(_describe(error, shown_address(settings.require_redis()))) from error


def _describe(error: Exception, address: str) -> str:
    from cobalt_mirror.workers.redis_failures import explain_failure  # noqa: PLC0415 - see `check_redis`

    failure = explain_failure(error)
    if not failure.answers:
        return f"no Redis answers at {address} ({error}); {failure.remedy}"
    return f"the Redis at {address} {failure.text}; {failure.remedy}"


def find_redis_failure(settings: Settings) -> str | None:
    """Return why the Redis at REDIS_URL cannot be used; None if it can be, or if REDIS_URL is not set.

    It has to take a write, too: a key that expires after a second.
    """
    if settings.redis_url is None:
        return None
    import redis  # noqa: PLC0415 - see `check_redis`

    from cobalt_mirror.workers.redis_clients import create_examining_redis  # noqa: PLC0415

    try:
        with create_examining_redis(settings) as client:
            client.set(f"{settings.redis_namespace}:trial", 1, px=1_000)
    except (redis.RedisError, ValueError) as error:
        return _describe(error, shown_address(settings.redis_url))
    return None
