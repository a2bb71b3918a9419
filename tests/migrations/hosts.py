"""A host at work while its database is migrated: a transaction that stays open, and a publisher that goes on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy import create_engine as host_engine

from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with

APPLICATION = "shop checkout"
#: Stands in the host's statements and must not stand in what we say.
PRIVATE = "private-word"


@contextmanager
def open_transaction(settings: DatabaseSettings) -> Iterator[Connection]:
    """A host's transaction that has read and written events; it ends with the block, or when it is rolled back."""
    engine = engine_of_a_host(settings, APPLICATION)
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM cobalt_mirror.events")).scalar_one()
        publish_with(settings.vault(), [UserSignedUp("late", name=PRIVATE)], connection)
        connection.execute(text(f"SELECT '{PRIVATE}'"))
        yield connection
    engine.dispose()


def pid_of(connection: Connection) -> int:
    """The server's process for a connection."""
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def engine_of_a_host(settings: DatabaseSettings, application: str = "host") -> Engine:
    url = make_url(settings.database_url).update_query_dict({"application_name": application})
    return host_engine(url)


class Publisher:
    """Publishes ten times a second, each event in a transaction of its own, and notes how long that takes."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.seconds: list[float] = []
        self._settings = settings
        self._stopped = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Publisher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        engine = engine_of_a_host(self._settings)
        try:
            for number in count():
                if self._stopped.wait(0.1):
                    break
                began = time.monotonic()
                with engine.begin() as connection:
                    publish_with(self._settings.vault(), [UserSignedUp(f"customer-{number}")], connection)
                self.seconds.append(time.monotonic() - began)
        except Exception as error:  # raised again where the test sees it
            self._failure = error
        finally:
            engine.dispose()
