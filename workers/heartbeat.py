"""The heartbeat of a process: a row in the database, by which `status` knows that the process runs and can work."""

import os
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import redis
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.engine import Clock, database_clock
from cobalt_mirror.db.processes import (
    BEAT_SECONDS,
    REDIS_TROUBLE,
    ProcessRow,
    forget_processes,
    record_beat,
    record_end,
)
from cobalt_mirror.db.state import ensure_installation
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.redis_failures import explain_failure
from cobalt_mirror.workers.release import release

log = structlog.get_logger()

#: So many heartbeats apart, rows of processes that are long gone are removed.
_BEATS_BETWEEN_CLEANINGS = 12
#: An installation that did not write its name into Redis for so many seconds does not use it any more.
_GONE_AFTER_SECONDS = 30
#: The length of the sentence about a trouble, in characters.
_LONGEST_TROUBLE = 500
#: How long the end of a process waits for its last heartbeat, in seconds.
_END_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Queues:
    """The Redis of a process's queues. Each installation writes its name into it, so that two notice each other.

    Attributes:
        client: Of the Redis.
        namespace: The prefix of our keys.
    """

    client: redis.Redis
    namespace: str

    def find_trouble(self, installation: str) -> str | None:
        """Return why messages do not get through here; None if they do."""
        key = f"{self.namespace}:installations"
        try:
            now = int(self.client.time()[0])
            with self.client.pipeline() as pipeline:
                pipeline.zadd(key, {installation: now})
                pipeline.zremrangebyscore(key, "-inf", now - _GONE_AFTER_SECONDS)
                pipeline.expire(key, 2 * _GONE_AFTER_SECONDS)
                pipeline.zcard(key)
                number = pipeline.execute()[-1]
        except redis.RedisError as error:
            failure = explain_failure(error)
            return f"{REDIS_TROUBLE}{failure.text}"[: _LONGEST_TROUBLE - len(failure.remedy)] + f"; {failure.remedy}"
        if number == 1:
            return None
        return (
            "another installation uses the same Redis and REDIS_NAMESPACE, and takes messages of this one; "
            "give one of them another REDIS_NAMESPACE"
        )


class Heartbeat:
    """Write a row every few seconds, from a thread of its own. Without the database it is silent, as others say so.

    Args:
        kind: What the process is.
        engine: Of the database.
        queues: The Redis of the process's queues; None for a process without queues.
        clock: Returns the time inside a transaction.
        local_clock: Returns the time of this machine.
    """

    def __init__(
        self,
        kind: ProcessKind,
        engine: Engine,
        *,
        queues: Queues | None = None,
        clock: Clock = database_clock,
        local_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kind, self._engine, self._queues = kind, engine, queues
        self._clock, self._local_clock = clock, local_clock
        self._process: ProcessRow | None = None
        self._installation: str | None = None
        self._beats = 0
        self._repeats = Repeats()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Record that the process ends in good order."""
        self._stopped.set()
        self._thread.join(_END_SECONDS)
        if self._process is not None and not self._thread.is_alive():
            with suppress(SQLAlchemyError), self._engine.begin() as connection:
                record_end(connection, self._process.id, self._clock(connection))

    def beat(self) -> None:
        """Write the row once."""
        trouble = self._find_trouble()
        with self._engine.begin() as connection:
            before, now, after = self._local_clock(), self._clock(connection), self._local_clock()
            process = self._process or describe_process(self._kind, now)
            # Of the two times, whichever is nearer: how long the database took to answer is no difference of clocks.
            local_at = min(max(now, before), after)
            self._process = replace(process, seen_at=now, trouble=trouble, local_at=local_at)
            record_beat(connection, self._process)
            if self._beats % _BEATS_BETWEEN_CLEANINGS == 0:
                forget_processes(connection, now)
        self._beats += 1

    def _find_trouble(self) -> str | None:
        if self._queues is None:
            return None
        if self._installation is None:
            with self._engine.begin() as connection:
                self._installation = ensure_installation(connection)
        return self._queues.find_trouble(self._installation)

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except SQLAlchemyError:  # the database is away, which others say
                pass
            except Exception as error:  # without heartbeats, `status` says that this process does not run
                self._log_failure(f"{type(error).__name__}: {error}"[:300])
            if self._stopped.wait(BEAT_SECONDS):
                return

    def _log_failure(self, text: str) -> None:
        if (repeated := self._repeats.count_unless_silent(text)) is not None:
            log.exception("heartbeat_failed", error=text, repeated=repeated)


def describe_process(kind: ProcessKind, now: datetime) -> ProcessRow:
    """Return the row of this process, as it begins."""
    return ProcessRow(
        id=secrets.token_hex(8),
        kind=kind,
        host=socket.gethostname(),
        pid=os.getpid(),
        release=release(),
        started_at=now,
        seen_at=now,
    )
