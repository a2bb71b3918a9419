"""What a process makes sure of before it starts, so that it ends with a sentence instead of failing later."""

import re

import redis

from cobalt_mirror.db.migrate import check_migrated
from cobalt_mirror.workers.broker import create_redis
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.settings import Settings


def ready_for_database() -> Settings:
    """The checked settings of a command that needs the database.

    Raises:
        BadSetting: a variable has a value that cannot work.
        Unreachable: no database answers.
        NotMigrated: the database lacks our tables.
    """
    settings = Settings.from_environment()
    check_migrated(settings)
    return settings


def ready_for_relay() -> Settings:
    """The checked settings of a process that also needs Redis.

    Raises:
        NotReady: no Redis answers.
        DatabaseError: see `ready_for_database`; also when REDIS_URL is unset.
    """
    settings = Settings.from_environment()
    settings.require_redis()
    check_migrated(settings)
    check_redis(settings)
    return settings


def ready_for_work() -> Settings:
    """The checked settings of a process that also calls Cobalt. Cobalt itself may be away: that is waited for.

    Raises:
        BadSetting: COBALT_API_KEY is unset.
        NotReady: see `ready_for_relay`, and DatabaseError.
    """
    Settings.from_environment().require_key()
    return ready_for_relay()


def check_redis(settings: Settings) -> None:
    """Make sure that a Redis answers at REDIS_URL.

    Raises:
        NotReady: none does, or it refuses us.
    """
    shown = re.sub(r"//[^@/]*@", "//***@", settings.require_redis())
    try:
        with create_redis(settings) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise NotReady(f"no Redis answers at {shown} ({error}); start it or correct REDIS_URL") from error
