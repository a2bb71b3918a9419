"""Start the threads of a worker that send notices, and stop them."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import httpx
from sqlalchemy import Engine

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.endpoints import words_of
from cobalt_mirror.workers.notices.following import Follower
from cobalt_mirror.workers.notices.handlers import Handler, load_handlers
from cobalt_mirror.workers.notices.receivers import EndpointReceiver, HandlerReceiver, Receiver
from cobalt_mirror.workers.notices.sending import TIMEOUT_SECONDS, Sender, create_pool
from cobalt_mirror.workers.reconnect import reconnect_link
from cobalt_mirror.workers.settings import Settings

#: How long the end of a worker waits for an attempt in progress, in seconds. What is not over then is made again.
_END_SECONDS = TIMEOUT_SECONDS + 2.0


def load_handlers_of(settings: Settings) -> tuple[Handler, ...]:
    """Import the modules in HANDLERS_MODULE, and return the handlers in them.

    Raises:
        BadSetting: See `notices.handlers.load_handlers`.
    """
    return load_handlers(words_of(settings.handlers_module or ""))


class Notices:
    """The threads of one worker process: one for each receiver, so that no receiver and no event waits for another.

    Raises:
        BadSetting: An endpoint or a module cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoints, self._handlers = settings.endpoints(), load_handlers_of(settings)
        self._stop = threading.Event()
        self._engine: Engine | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads, with database connections of their own."""
        number = len(self._endpoints) + len(self._handlers)
        if not number:
            return
        self._engine = create_engine(self._settings, pool_size=number)
        settle = timedelta(seconds=self._settings.notices_settle_seconds)
        for receiver in self._receivers(self._engine):
            follower = Follower(
                engine=self._engine,
                receiver=receiver,
                settle=settle,
                reconnect_url=partial(reconnect_link, self._settings),
                stop=self._stop,
            )
            thread = threading.Thread(target=follower.run, name=f"notices-{receiver.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _receivers(self, engine: Engine) -> Sequence[Receiver]:
        handlers = [HandlerReceiver(handler, engine) for handler in self._handlers]
        if not self._endpoints:
            return handlers
        context = httpx.create_ssl_context()
        pool = create_pool(context, allows_private=self._settings.notices_allow_private_addresses)
        return [*(EndpointReceiver(Sender(endpoint=each, pool=pool)) for each in self._endpoints), *handlers]

    def stop(self) -> None:
        """Ask the threads to end."""
        self._stop.set()

    def close(self) -> None:
        """Wait for the threads to end, for a while."""
        self.stop()
        ends = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(ends - time.monotonic(), 0.0))
        if self._engine is not None:
            self._engine.dispose()
