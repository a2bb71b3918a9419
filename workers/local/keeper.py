"""Keep the embedded Redis running, as the supervisor keeps the Procfile's processes running."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from cobalt_mirror.workers.errors import RedisNotStarted
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.supervisor import Backoff

_POLL_SECONDS = 0.1


@contextmanager
def kept_running(
    server: EmbeddedRedis, *, say: Callable[[str], object], backoff: Backoff | None = None
) -> Iterator[None]:
    """Restart the server whenever it ends by itself, at the same address and with the data it had.

    Args:
        server: A running server. No other code may stop or restart it inside the `with` block.
        say: Prints one line.
        backoff: Delays before a restart.
    """
    stopping = Event()
    backoff = Backoff() if backoff is None else backoff
    keeper = Thread(target=_keep, args=[server, stopping, say, backoff], name="keeper of Redis", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopping.set()
        keeper.join()


def _keep(server: EmbeddedRedis, stopping: Event, say: Callable[[str], object], backoff: Backoff) -> None:
    delay, started = None, time.monotonic()
    while not stopping.wait(_POLL_SECONDS):
        if server.is_running:
            continue
        delay = backoff.after(delay, ran_for=timedelta(seconds=time.monotonic() - started))
        say(f"Redis ended; restarting in {delay.total_seconds():g} s")
        if stopping.wait(delay.total_seconds()):
            return
        started = time.monotonic()
        try:
            server.restart()
        except RedisNotStarted as error:
            say(str(error))
