"""The options of REDIS_URL, checked by the client that will take them, without a connection."""

import re
from urllib.parse import parse_qsl, urlsplit


def checked_options(url: str) -> str:
    """Return a URL of Redis whose options, after `?`, the client takes.

    Raises:
        ValueError: It does not know one, or not with that value. The text names it without its value.
    """
    options = urlsplit(url).query
    if not options:
        return url
    import redis  # noqa: PLC0415 - it costs a tenth of a second, and few URLs have options

    try:
        redis.Redis.from_url(url).connection_pool.make_connection()
    except (TypeError, ValueError, redis.RedisError) as error:
        names = dict(parse_qsl(options, keep_blank_values=True))
        wrong = [name for name in names if re.search(rf"\b{re.escape(name)}\b", str(error))]
        raise ValueError(
            "must have only options that the Redis client redis-py knows, with values that it takes; "
            f"correct or remove {wrong[0] if wrong else 'what follows the ?'}"
        ) from None
    return url
