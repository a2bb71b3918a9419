"""What it costs an attempt to record its calls: attempts with `CALLS_SAMPLE_SHARE` 1 and 0 in turns, in one process."""

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Engine, event, func, select

from benchmarks.figures import Figure, at_most
from benchmarks.instant import Cobalt
from benchmarks.place import Say, migrated_database
from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.tables import calls
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.settings import Settings

ROUNDS = 30
#: Attempts in a round: few, so that both sides meet the same disturbances of the machine.
ATTEMPTS = 100


@dataclass(slots=True)
class Measured:
    """What a side's attempts took, a value per round, and how many statements they sent."""

    ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    statements: int = 0


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Make the same attempts with and without the rows, and compare their time."""
    sides = {1: Measured(), 0: Measured()}
    with ExitStack() as stack:
        settings = Settings(database_url=stack.enter_context(migrated_database(database)), cobalt_api_key="tk_bench")
        engine = create_engine(settings)
        stack.callback(engine.dispose)
        client = stack.enter_context(Client("tk_bench", transport=httpx.MockTransport(_answering(Cobalt()))))
        attempts = {
            share: Attempts(
                engine=engine,
                client=client,
                settings=settings.model_copy(update={"calls_sample_share": share}),
                vault=settings.vault(),
            )
            for share in sides
        }
        _round(engine, attempts[1], Measured(), "warm")
        say(f"{ROUNDS} rounds of {ATTEMPTS} sign-ups for each side")
        for number in range(ROUNDS):
            for share in (1, 0) if number % 2 else (0, 1):
                _round(engine, attempts[share], sides[share], f"{share}-{number}")
        with engine.connect() as connection:
            rows = connection.execute(select(func.count()).select_from(calls)).scalar_one()
    yield _figure(database, sides[1], sides[0], rows / (ATTEMPTS * (ROUNDS + 1)))


def _answering(cobalt: Cobalt) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        account = request.headers.get("linked_account_id", "")
        status, document = cobalt.answer(request.method, request.url.path, account, body)
        return httpx.Response(status, json=document)

    return answer


def _round(engine: Engine, attempts: Attempts, into: Measured, prefix: str) -> None:
    accounts = [f"{prefix}-{number}" for number in range(ATTEMPTS)]
    with engine.begin() as connection:
        sign_ups = [UserSignedUp(account, name="Customer", udf={"plan": "pro"}) for account in accounts]
        publish_with(attempts.vault, sign_ups, connection)

    def count(*_arguments: object) -> None:
        into.statements += 1

    event.listen(engine, "before_cursor_execute", count)
    began, cpu = time.monotonic(), time.process_time()
    for account in accounts:
        attempts.attempt(account)
    into.cpu_ms.append(1_000 * (time.process_time() - cpu) / ATTEMPTS)
    into.ms.append(1_000 * (time.monotonic() - began) / ATTEMPTS)
    event.remove(engine, "before_cursor_execute", count)


def _figure(database: str, with_rows: Measured, without: Measured, rows: float) -> Figure:
    ratio = statistics.median(a / b for a, b in zip(with_rows.ms, without.ms, strict=True))
    made = ATTEMPTS * ROUNDS
    return Figure(
        name="an attempt that records its calls",
        database=database,
        value=round(ratio, 3),
        unit="x",
        against="one that does not (CALLS_SAMPLE_SHARE=0)",
        **at_most(1.15, ratio, database),
        detail={
            "ms": [round(statistics.median(side.ms), 3) for side in (with_rows, without)],
            "CPU ms": [round(statistics.median(side.cpu_ms), 3) for side in (with_rows, without)],
            "statements an attempt": [side.statements / made for side in (with_rows, without)],
            "rows an attempt": round(rows, 2),
        },
    )
