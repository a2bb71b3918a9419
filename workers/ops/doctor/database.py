"""The judgement of the database: plain facts in, findings out."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cobalt_mirror.db.diagnosis import Locker, ServerFacts
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.words import ago, duration

AREA = "database"
#: The oldest PostgreSQL that is tested.
OLDEST_VERSION = 13
#: A transaction that is open for longer keeps vacuum from what ended since.
LONG_OPEN = timedelta(minutes=5)
#: A slot that nobody reads from and that keeps this many transactions is a forgotten one.
MUCH_KEPT = 1_000_000
#: So many dead rows of `events`, and more of them than live ones, say that vacuum does not come round.
MANY_DEAD = 100_000
#: A server that ends an idle transaction sooner may end one of ours between two statements of a busy machine.
SHORT_IDLE_SECONDS = 5.0
#: An attempt makes some ten statements.
SLOW_MS = 20.0
#: A statement of a migration, or of a reconciliation of many accounts, may take that long.
SHORT_STATEMENT_SECONDS = 10.0


def judge_server(facts: ServerFacts, settings: Settings, *, at: datetime, port: int | None) -> Iterator[Finding]:
    """Judge a PostgreSQL server.

    Args:
        facts: what it says.
        settings: the settings in force.
        at: its time.
        port: the port in DATABASE_URL; None: it names none.
    """
    yield _version(facts)
    yield judge_rights(facts.lacking)
    yield _isolation(facts)
    yield from _timeouts(facts)
    yield from _pooler(facts, settings, port)
    yield from judge_lockers(facts.lockers)
    yield _oldest_transaction(facts, at)
    yield from _what_else_keeps_rows(facts, at)
    yield _dead_rows(facts)


def _version(facts: ServerFacts) -> Finding:
    major = facts.version // 10_000
    if major < OLDEST_VERSION:
        return warning(AREA, f"PostgreSQL {major}", f"update it: {OLDEST_VERSION} is the oldest that is supported")
    return fine(AREA, f"PostgreSQL {major}")


def judge_rights(lacking: Sequence[str]) -> Finding:
    """Judge whether the role has the rights that it needs; see `db.diagnosis.find_lacking`."""
    if not lacking:
        return fine(AREA, "the role has all rights on our tables that it needs")
    listed = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    return broken(AREA, f"the role lacks {listed}", "grant it; docs/hosting.md has the rights of each role")


def _isolation(facts: ServerFacts) -> Finding:
    """Our own engines ask for READ COMMITTED; a host's session has what the server or the host says."""
    return fine(AREA, f"isolation level {facts.isolation}; our processes use read committed")


def _timeouts(facts: ServerFacts) -> Iterator[Finding]:
    if 0 < facts.idle_seconds < SHORT_IDLE_SECONDS:
        yield warning(
            AREA,
            f"the server ends transactions that are idle for {facts.idle_seconds:g} s",
            f"set idle_in_transaction_session_timeout of our role to {SHORT_IDLE_SECONDS:g} s or more",
        )
    if 0 < facts.statement_seconds < SHORT_STATEMENT_SECONDS:
        yield warning(
            AREA,
            f"the server ends statements after {facts.statement_seconds:g} s",
            f"set statement_timeout of our role to {SHORT_STATEMENT_SECONDS:g} s or more",
        )


def _pooler(facts: ServerFacts, settings: Settings, port: int | None) -> Iterator[Finding]:
    """Something stands between us and the server if that listens at another port than the one we connect to."""
    if port is None or facts.port in {None, port}:
        return
    seen = f"a pooler or proxy at port {port} is between us and the server (port {facts.port})"
    if settings.database_prepared_statements:
        yield warning(
            AREA,
            f"{seen}, and prepared statements are on",
            "if it is PgBouncer in transaction mode, set DATABASE_PREPARED_STATEMENTS=false",
        )
    else:
        yield fine(AREA, f"{seen}, and prepared statements are off")


def judge_lockers(lockers: Iterable[Locker]) -> Iterator[Finding]:
    """Judge a host that alters our table, or a LOCK by hand: all our processes wait, and so does `status`."""
    for locker in lockers:
        text = f"{locker.holder} has locked our table {locker.table}, and everybody else waits for that"
        yield broken(AREA, text, locker.holder.remedy)


def judge_latency(milliseconds: float) -> Finding:
    """Judge how long a statement takes that does nothing."""
    text = f"a statement takes {milliseconds:.1f} ms there and back"
    if milliseconds > SLOW_MS:
        return warning(AREA, text, "look at its load, or run the workers nearer to it: each attempt needs several")
    return fine(AREA, text)


def judge_writes(failure: str | None) -> Finding:
    """Judge whether the database takes writes; see `db.writable.find_write_failure`."""
    if failure is None:
        return fine(AREA, "it takes writes")
    wrong, _, remedy = failure.rpartition("; ")
    return broken(AREA, wrong, remedy)


def _oldest_transaction(facts: ServerFacts, at: datetime) -> Finding:
    oldest = facts.oldest
    if oldest is not None and at - oldest.since >= LONG_OPEN:
        who = " ".join(part for part in (f"process {oldest.pid}", oldest.user, oldest.application) if part)
        return warning(
            AREA,
            f"a transaction is open for {ago(oldest.since, at)} ({who}, {oldest.state}), "
            "and vacuum removes nothing that ended since it began",
            f"end it there, or with: SELECT pg_terminate_backend({oldest.pid})",
        )
    if not facts.sees_others:
        return warning(
            AREA,
            "this role may not see the transactions of others, which may keep vacuum from its work",
            "GRANT pg_read_all_stats TO the role in DATABASE_URL",
        )
    return fine(AREA, f"no transaction is open for {duration(LONG_OPEN)}")


def _what_else_keeps_rows(facts: ServerFacts, at: datetime) -> Iterator[Finding]:
    for slot in facts.slots:
        if not slot.is_active or slot.age >= MUCH_KEPT:
            state = "read" if slot.is_active else "not read by anybody"
            yield warning(
                AREA,
                f"replication slot {slot.name} is {state} and keeps the rows of {slot.age:,} transactions from vacuum",
                f"let its reader catch up, or remove it: SELECT pg_drop_replication_slot('{slot.name}')",
            )
    if facts.prepared_since is not None and at - facts.prepared_since >= LONG_OPEN:
        yield warning(
            AREA,
            f"a prepared transaction waits for {ago(facts.prepared_since, at)}",
            "see pg_prepared_xacts; commit it or roll it back",
        )


def _dead_rows(facts: ServerFacts) -> Finding:
    rows = f"the table events has {facts.live:,} rows, and {facts.dead:,} that vacuum has still to remove"
    if facts.dead > MANY_DEAD and facts.dead > facts.live:
        return warning(AREA, rows, "look for what keeps vacuum from its work, above; then VACUUM the table")
    return fine(AREA, rows)


def judge_connections(facts: ServerFacts, settings: Settings, *, workers: int) -> Finding:
    """Judge whether there are enough connections: a worker process lends up to twice its threads, others up to ten.

    Args:
        facts: what the server says.
        settings: the settings in force.
        workers: how many worker processes run.
    """
    most = max(workers, settings.worker_processes) * 2 * settings.worker_threads + 20
    text = f"{facts.connections} of {facts.max_connections} connections are in use; our processes may take {most}"
    if most > facts.max_connections:
        remedy = "raise max_connections, or lower WORKER_PROCESSES or WORKER_THREADS"
        return warning(AREA, text, remedy)
    return fine(AREA, text)
