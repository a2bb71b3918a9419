"""Follow the change feed for one receiver, and send it what is due: one thread, so a slow one delays no other."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias, assert_never

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.errors import PositionLost
from cobalt_mirror.db.notices import (
    Around,
    NoticeRow,
    add_notices,
    begin_attempt,
    end_attempt,
    put_off,
    read_around,
    read_content,
    skip,
    take_due,
)
from cobalt_mirror.db.reads.feed import changes
from cobalt_mirror.db.receivers import (
    disable_receiver,
    ensure_receiver,
    find_delivered_at,
    find_work,
    lock_position,
    record_delivered,
    record_position,
)
from cobalt_mirror.db.statuses import ChangeType, NoticeStatus
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.notices.notice import Notice, make_notice
from cobalt_mirror.workers.notices.receivers import Receiver
from cobalt_mirror.workers.notices.schedule import Answer, Ending, conclude
from cobalt_mirror.workers.notices.settling import SETTLING, Skip, Tell, Wait, decide, due_at

log = structlog.get_logger()

#: Makes the link on which a customer connects again, of account and application; None: there is none.
ReconnectUrl: TypeAlias = Callable[[str, str], str | None]

#: Seconds between two looks while there is nothing to do.
IDLE_SECONDS = 1.0
#: Seconds until the next look after the database failed.
RETRY_SECONDS = 5.0
#: How many entries are followed in one transaction.
BATCH = 500


@dataclass(slots=True, kw_only=True)
class Follower:
    """Follows for one receiver until `stop` is set. Several processes may have one of the same receiver.

    Attributes:
        engine: of the database.
        receiver: what gets the notices.
        settle: how long a connection has to fail before a notice of that is sent.
        reconnect_url: makes the link in a notice of that.
        clock: returns the time inside a transaction.
        chance: returns a number from 0 to 1.
        stop: ends it after the attempt in progress.
    """

    engine: Engine
    receiver: Receiver
    settle: timedelta
    reconnect_url: ReconnectUrl
    clock: Clock = database_clock
    chance: Callable[[], float] = random.random
    stop: threading.Event = field(default_factory=threading.Event)
    _repeats: Repeats = field(default_factory=Repeats)

    def run(self) -> None:
        """Follow and send until `stop` is set. Nothing ends it before that."""
        while not self.stop.is_set():
            try:
                wait = 0.0 if self.step() else IDLE_SECONDS
            except Exception as error:  # whatever it was, the next look may succeed
                self._log("notices_failed", f"{type(error).__name__}: {error}"[:300])
                wait = RETRY_SECONDS
            self.stop.wait(wait)

    def step(self) -> bool:
        """Do what there is to do, a batch of entries and one notice at most; return whether there was anything."""
        name = self.receiver.name
        with reading(self.engine).begin() as connection:
            work = find_work(connection, name, self.clock(connection))
        if not work.is_known:
            with self.engine.begin() as connection:
                ensure_receiver(connection, name, self.receiver.kind, at=self.clock(connection))
            return True
        followed = work.is_behind and self.follow()
        return (work.has_due and self.tell_next()) or followed

    def follow(self) -> bool:
        """Add a notice for each entry that the receiver wants; return whether the feed went on."""
        name = self.receiver.name
        with self.engine.begin() as connection:
            position = lock_position(connection, name)
            if position is None:
                return False
            try:
                entries = changes(connection, after=position, limit=BATCH)
            except PositionLost as lost:
                log.warning("notices_missed", receiver=name, detail=str(lost))
                record_position(connection, name, lost.resume_after)
                return True
            wanted = (entry for entry in entries if entry.type in self.receiver.types)
            due = ((entry, due_at(entry.type, entry.recorded_at, settle=self.settle)) for entry in wanted)
            add_notices(connection, name, due)
            if entries:
                record_position(connection, name, entries[-1].position)
            return bool(entries)

    def tell_next(self) -> bool:
        """Decide about the notice that is due, and send it; return whether there was one."""
        lease = timedelta(seconds=self.receiver.lease_seconds)
        with self.engine.begin() as connection:
            now = self.clock(connection)
            row = take_due(connection, self.receiver.name, now=now, until=now + lease)
        if row is None:
            return False
        try:
            notice = self._prepare(row)
        except SQLAlchemyError:
            raise
        except Exception as error:  # a notice that cannot be made must not be taken again at once
            with self.engine.begin() as connection:
                begin_attempt(connection, row, at=self.clock(connection))
            self._conclude(row, Answer(ending=Ending.FAILED, detail=f"it cannot be made: {type(error).__name__}"))
            return True
        if notice is not None and (answer := self.receiver.attempt(notice, self._finish(row))) is not None:
            self._conclude(row, answer)
        return True

    def _prepare(self, row: NoticeRow) -> Notice | None:
        """Decide about a notice, and begin an attempt if it is sent now."""
        with self.engine.begin() as connection:
            now = self.clock(connection)
            around = read_around(connection, row) if row.type in SETTLING else Around()
            decision = decide(row, around, now=now, settle=self.settle)
            match decision:
                case Skip(because):
                    skip(connection, row, because, at=now)
                    return None
                case Wait(until):
                    put_off(connection, row, until)
                    return None
                case Tell():
                    return self._make(connection, row) if begin_attempt(connection, row, at=now) else None
            assert_never(decision)

    def _make(self, connection: Connection, row: NoticeRow) -> Notice:
        url = None
        if row.type is ChangeType.CONNECTION_REAUTH_REQUIRED and row.linked_account_id and row.slug:
            url = self.reconnect_url(row.linked_account_id, row.slug)
        return make_notice(row, read_content(connection, row), reconnect_url=url)

    def _finish(self, row: NoticeRow) -> Callable[[Connection], bool]:
        def finish(connection: Connection) -> bool:
            now = self.clock(connection)
            record_delivered(connection, row.receiver, at=now)
            return end_attempt(connection, row, NoticeStatus.DELIVERED, at=now)

        return finish

    def _conclude(self, row: NoticeRow, answer: Answer) -> None:
        if answer.detail is not None:
            self._log("notice_failed", answer.detail, notice=row.id, attempt=row.attempts + 1)
        with self.engine.begin() as connection:
            if answer.ending is Ending.TAKEN:
                self._finish(row)(connection)
                return
            now = self.clock(connection)
            conclusion = conclude(
                answer,
                attempts=row.attempts + 1,
                told_before=row.told,
                kind=self.receiver.kind,
                delivered_at=find_delivered_at(connection, row.receiver),
                now=now,
                chance=self.chance,
            )
            is_ours = end_attempt(
                connection,
                row,
                conclusion.status,
                at=now,
                due_at=conclusion.due_at,
                told=conclusion.told,
                detail=answer.detail,
            )
            if is_ours and conclusion.disables and answer.detail is not None:
                disable_receiver(connection, row.receiver, answer.detail, at=now)
        if conclusion.disables:
            log.error("receiver_disabled", receiver=row.receiver, detail=answer.detail)

    def _log(self, event: str, text: str, **more: object) -> None:
        if (repeated := self._repeats.count_unless_silent(text)) is not None:
            log.warning(event, receiver=self.receiver.name, error=text, repeated=repeated, **more)
