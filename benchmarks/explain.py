"""The time of `cobalt-mirror explain` with a hundred thousand accounts and a million events."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, insert, select, text

from benchmarks.figures import Figure, at_most
from benchmarks.place import Say, migrated_database
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import AccountStatus, CallOutcome, EventStatus, RowKind
from cobalt_mirror.db.tables import calls, events, history, linked_accounts
from cobalt_mirror.workers.ops.explaining import Question, explain
from cobalt_mirror.workers.settings import Settings

ACCOUNTS, EVENTS = 100_000, 1_000_000
#: Events of the one account that has far more than the others.
BUSY = 50_000
TIMES = 20
_BATCH = 10_000
_APPLICATIONS = ("slack", "gmail", "hubspot")
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Fill a database, and explain accounts that have ten events, and the one that has the most."""
    with ExitStack() as stack:
        settings = Settings(database_url=stack.enter_context(migrated_database(database)))
        engine = create_engine(settings)
        stack.callback(engine.dispose)
        say(f"filling the database with {ACCOUNTS:,} accounts and {EVENTS:,} events")
        _fill(engine)
        for name, accounts in (
            ("an account with 10 events", [_account(number * 997 + 1) for number in range(TIMES)]),
            (f"the account with {BUSY:,} events", [_account(0)] * TIMES),
        ):
            took = [_seconds(engine, settings, account) for account in accounts]
            yield Figure(
                name=f"explain {name}, of {ACCOUNTS:,} accounts and {EVENTS:,} events",
                database=database,
                value=round(1_000 * statistics.median(took), 1),
                unit="ms",
                **at_most(1_000, 1_000 * max(took), database),
                detail={"longest ms": round(1_000 * max(took), 1), "times": TIMES},
            )


def _account(number: int) -> str:
    return f"account-{number:06}"


def _seconds(engine: Engine, settings: Settings, account: str) -> float:
    began = time.monotonic()
    explanation = explain(engine, Question(account=account), settings)
    took = time.monotonic() - began
    assert explanation.lines  # noqa: S101
    return took


def _fill(engine: Engine) -> None:
    """Insert the rows of many customers' months: each event with a call and, for one in two, a change of the mirror."""
    with engine.begin() as connection:
        for start in range(0, ACCOUNTS, _BATCH):
            numbers = range(start, start + _BATCH)
            rows = [{"linked_account_id": _account(number), "status": AccountStatus.ACTIVE} for number in numbers]
            connection.execute(insert(linked_accounts), rows)
    for start in range(0, EVENTS, _BATCH):
        numbers = range(start, start + _BATCH)
        with engine.begin() as connection:
            connection.execute(insert(events), [_event(number) for number in numbers])
            connection.execute(insert(calls), [_call(number) for number in numbers])
            connection.execute(insert(history), [_change(number) for number in numbers if number % 2])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
        made = connection.execute(select(func.count()).select_from(events)).scalar_one()
    assert made == EVENTS  # noqa: S101


def _of(number: int) -> dict[str, str]:
    account = 0 if number < BUSY else number % ACCOUNTS
    return {"linked_account_id": _account(account), "slug": _APPLICATIONS[number % len(_APPLICATIONS)]}


def _at(number: int) -> datetime:
    return _BEGAN + timedelta(seconds=number)


def _event(number: int) -> dict[str, object]:
    times = {name: _at(number) for name in ("occurred_at", "recorded_at", "due_at", "finished_at")}
    return {**_of(number), **times, "id": f"event-{number}", "type": "config_changed", "status": EventStatus.DONE}


def _call(number: int) -> dict[str, object]:
    request = {"method": "PUT", "path": "/api/v2/public/config", "status": 200, "took_ms": 35, "waited_ms": 0}
    because = {"events": [{"source": "host", "id": f"event-{number}"}]}
    made = {"made_at": _at(number), "attempt": f"{number:032x}", "outcome": CallOutcome.ANSWERED}
    return {**_of(number), **request, **made, "because": because}


def _change(number: int) -> dict[str, object]:
    changes = {"fields": [{"channel": f"#{number}"}, {"channel": f"#{number + 1}"}]}
    because = {"events": [{"source": "host", "id": f"event-{number}"}], "at": stored_time(_at(number))}
    return {**_of(number), "recorded_at": _at(number), "what": RowKind.CONFIG, "changes": changes, "because": because}
