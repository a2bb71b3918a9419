"""The change feed: nothing is lost and nothing comes twice, in whatever order transactions commit."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select, text

from cobalt_mirror.db import FeedEntry, PositionLost, changes, tables
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.feed import BATCH, erase_entries, number_changes, record_entries
from cobalt_mirror.db.feed_entries import NewEntry
from cobalt_mirror.db.pruning import prune_changes
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ChangeType
from tests.effort import tries

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WRITERS, READERS = 8, 3


def entry(account: str, number: int) -> NewEntry:
    return NewEntry(type=ChangeType.CONFIG_CHANGED, linked_account_id=account, data={"number": number})


def append(engine: Engine, *numbers: int, account: str = "acme", at: datetime = NOW) -> None:
    with engine.begin() as connection:
        record_entries(connection, [entry(account, number) for number in numbers], at=at)


def read(engine: Engine, *, after: int | None = 0, limit: int = 100) -> list[FeedEntry]:
    with reading(engine).begin() as connection:
        return changes(connection, after=after, limit=limit)


def numbers(entries: list[FeedEntry]) -> list[int]:
    return [each.data["number"] for each in entries]


def has_unnumbered(engine: Engine) -> bool:
    with reading(engine).begin() as connection:
        return connection.execute(select(tables.changes).where(tables.changes.c.position.is_(None))).first() is not None


@dataclass
class Writer:
    """Commits entries of its own accounts, as their leases have it; some of its transactions roll back."""

    engine: Engine
    name: str
    chance: random.Random
    count: int
    committed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> None:
        done = number = 0
        while done < self.count:
            account = f"{self.name}-{self.chance.randrange(3)}"
            mine = list(range(number, number + self.chance.randint(1, 6)))
            number += len(mine)
            with self.engine.connect() as connection:
                record_entries(connection, [entry(account, each) for each in mine], at=NOW)
                if self.engine.dialect.name == "postgresql":  # on SQLite, only one can have written and not committed
                    connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": self.chance.expovariate(500)})
                if self.chance.random() < 0.2:
                    connection.rollback()
                    continue
                connection.commit()
            self.committed[account] += mine
            done += len(mine)


@dataclass
class Reader:
    """Reads pages, and keeps its cursor with what it has read. Sometimes it crashes before it has kept a page."""

    engine: Engine
    chance: random.Random
    is_over: threading.Event
    read: Callable[[Engine, int], list[FeedEntry]] = lambda engine, after: read(engine, after=after, limit=200)
    cursor: int = 0
    kept: list[FeedEntry] = field(default_factory=list)

    def run(self) -> None:
        """Read until the writers are done and nothing is left."""
        while True:
            number_changes(self.engine, batch=self.chance.choice([30, BATCH]))
            is_last = self.is_over.is_set() and not has_unnumbered(self.engine)
            page = self.read(self.engine, self.cursor)
            if self.chance.random() < 0.3:
                continue
            if page:
                self.kept += page
                self.cursor = page[-1].position
            elif is_last:
                return


def by_account(entries: list[FeedEntry]) -> dict[str | None, list[int]]:
    accounts: dict[str | None, list[int]] = defaultdict(list)
    for each in entries:
        accounts[each.linked_account_id].append(each.data["number"])
    return accounts


@contextmanager
def transaction_of_a_host(engine: Engine) -> Iterator[None]:
    """On PostgreSQL, keep a transaction open that has written: whatever waits for the oldest one waits for this one."""
    with ExitStack() as stack:
        if engine.dialect.name == "postgresql":
            connection = stack.enter_context(engine.connect())
            connection.execute(insert(tables.state).values(key="host", value={}))
        yield


def run_all(engine: Engine, *, entries: int, seed: int) -> tuple[list[Writer], list[Reader]]:
    is_over = threading.Event()
    writers = [
        Writer(engine, f"w{each}", random.Random(seed + each), entries // WRITERS + 1) for each in range(WRITERS)
    ]
    readers = [Reader(engine, random.Random(seed - 1 - each), is_over) for each in range(READERS)]
    failures: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            failures.append(error)

    writing = [threading.Thread(target=guarded, args=(each.run,), daemon=True) for each in writers]
    looking = [threading.Thread(target=guarded, args=(each.run,), daemon=True) for each in readers]
    with transaction_of_a_host(engine):
        for thread in (*looking, *writing):
            thread.start()
        for thread in writing:
            thread.join(300)
        is_over.set()
        for thread in looking:
            thread.join(60)
    assert failures == []
    return writers, readers


@pytest.fixture
def wide(migrated_url: str) -> Iterator[Engine]:
    """An engine with a connection for each thread."""
    engine = create_engine(DatabaseSettings(database_url=migrated_url), pool_size=WRITERS + READERS + 1)
    yield engine
    engine.dispose()


@pytest.mark.hypothesis
def test_readers_that_crash_see_each_entry_once_and_in_order_whatever_commits_when(wide: Engine) -> None:
    writers, readers = run_all(wide, entries=tries(3_000) // (1 if wide.dialect.name == "postgresql" else 10), seed=17)

    committed = {account: each for writer in writers for account, each in writer.committed.items()}
    for reader in readers:
        assert by_account(reader.kept) == committed
        assert [each.position for each in reader.kept] == list(range(1, len(reader.kept) + 1))


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_what_commits_late_comes_after_what_was_read_although_its_number_is_lower(engine: Engine) -> None:
    with engine.begin() as late:
        record_entries(late, [entry("late", 1)], at=NOW)
        append(engine, 2)
        assert number_changes(engine) == 1
        (first,) = read(engine)
        assert number_changes(engine) == 0

    assert number_changes(engine) == 1
    (second,) = read(engine, after=first.position)
    assert numbers([first, second]) == [2, 1]


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_while_one_process_gives_positions_or_erases_entries_another_goes_on_without(engine: Engine) -> None:
    append(engine, 1)
    with engine.begin() as erasing:
        erase_entries(erasing, "acme")
        assert number_changes(engine) == 0

    assert number_changes(engine) == 1


def test_what_was_pruned_unread_is_said_and_positions_go_on(engine: Engine) -> None:
    append(engine, 1, 2, 3, at=NOW - timedelta(days=95))
    append(engine, 4, account="young")
    append(engine, 5, at=NOW - timedelta(days=95))
    number_changes(engine)

    assert prune(engine, dry_run=True) == 3
    assert numbers(read(engine)) == [1, 2, 3, 4, 5]
    assert prune(engine) == 3
    with pytest.raises(PositionLost, match="the entries 2 to 3 were pruned; read the mirror, then go on with after=3"):
        read(engine, after=1)
    assert numbers(read(engine, after=3)) == numbers(read(engine, after=None)) == [4, 5]


def test_a_position_that_the_feed_does_not_have_yet_is_said(engine: Engine) -> None:
    with pytest.raises(PositionLost, match="after: the feed ends at 0, so 3 is of another database, or of this one"):
        read(engine, after=3)
    append(engine, 1, 2)
    number_changes(engine)

    assert numbers(read(engine, after=2)) == []
    with pytest.raises(PositionLost) as raised:
        read(engine, after=3)
    assert raised.value.resume_after == 2


def test_the_last_entry_stays_however_old_for_the_next_position_is_counted_from_it(engine: Engine) -> None:
    append(engine, 1, 2, at=NOW - timedelta(days=95))
    number_changes(engine)

    assert prune(engine) == 1
    assert prune(engine) == 0
    append(engine, 3)
    number_changes(engine)
    assert [each.position for each in read(engine, after=1)] == [2, 3]


def prune(engine: Engine, *, dry_run: bool = False) -> int:
    """Prune what is older than 90 days, two entries at a time, and return how many went."""
    total, after = 0, 0
    while True:
        with engine.begin() as connection:
            step = prune_changes(connection, NOW - timedelta(days=90), after=after, limit=2, dry_run=dry_run)
        total += step.rows
        if step.after is None:
            return total
        after = step.after
