"""Events a second with an instant Cobalt and no limit: ours against the same job written plainly, in the same run."""

import json
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]
from cryptography.fernet import Fernet
from sqlalchemy import Engine, func, insert, select

from benchmarks.figures import Figure, at_least
from benchmarks.place import Say, migrated_database, own_redis
from benchmarks.sides import PROCESSES, THREADS, MirrorSide, PlainSide, Side, cpu_seconds, environment, instant_cobalt
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.tables import configs, linked_accounts
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.workers.settings import Settings

ROUNDS = 5
BURST = 10
#: Events to finish before the measurement, to warm up imports, connections and caches.
WARM = 200


def sign_ups(prefix: str, number: int) -> list[Event]:
    """Return sign-ups of different customers."""
    return [
        UserSignedUp(f"{prefix}-{n}", name=f"Customer {n}", udf={"plan": "pro", "seats": str(n)}) for n in range(number)
    ]


def distinct_changes(prefix: str, number: int) -> list[Event]:
    """Return one config change each, by different customers."""
    return [_change(f"{prefix}-{n}", n) for n in range(number)]


def bursts(prefix: str, number: int) -> list[Event]:
    """Return ten changes of one config by each customer, one right after the other."""
    return [_change(f"{prefix}-{n}", change) for n in range(number // BURST) for change in range(BURST)]


def _change(account: str, number: int) -> Event:
    region = ("eu", "us", "apac")[number % 3]
    return ConfigChanged(account, "slack", fields={"channel": f"#room-{number}", "limit": number, "region": region})


@dataclass(frozen=True, slots=True)
class Load:
    """The events to publish, and the least ratio to the plain job."""

    name: str
    make: Callable[[str, int], list[Event]]
    #: Events in a round: several seconds for either side, so that beginning and ending weigh little.
    number: int
    bar: float


LOADS = (
    Load("all-distinct accounts, sign-ups", sign_ups, 2_000, 0.4),
    Load("all-distinct accounts, config changes", distinct_changes, 2_000, 0.4),
    Load(f"bursts of {BURST} config changes", bursts, 12_000, 3.5),
)


@dataclass(slots=True)
class Measured:
    """The results of one side with one load, a value per round."""

    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Run both sides in turns, on one database and one Redis."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="cobalt-mirror-bench-")))
        url = stack.enter_context(migrated_database(database))
        redis_url = stack.enter_context(own_redis()).url
        cobalt_url, cobalt_pid = stack.enter_context(instant_cobalt())
        ceiling = _ceiling(cobalt_url)
        say(f"the instant Cobalt answers {ceiling:,.0f} calls a second to one client")
        key = Fernet.generate_key().decode()
        variables = environment(database_url=url, redis_url=redis_url, cobalt_url=cobalt_url, secret_key=key)
        settings = Settings(database_url=url, mirror_secret_keys=key)
        engine = create_engine(settings)
        stack.callback(engine.dispose)
        sides: dict[str, Side] = {"ours": MirrorSide(variables, engine, settings), "plain": PlainSide(variables)}
        results = {(name, load): Measured() for name in sides for load in LOADS}
        for number in range(ROUNDS):
            for name, side in sides.items():
                say(f"round {number + 1} of {ROUNDS}: {name}")
                _round(name, side, results, folder=folder, prefix=f"{name}-{number}", engine=engine)
        yield from _figures(database, results, ceiling, psutil.Process(cobalt_pid))


def _round(
    name: str, side: Side, results: dict[tuple[str, Load], Measured], *, folder: Path, prefix: str, engine: Engine
) -> None:
    with side.running(folder) as processes:
        side.publish([*sign_ups(f"{prefix}-warm", WARM // 2), *distinct_changes(f"{prefix}-warm", WARM // 2)])
        side.finish()
        for load in LOADS:
            accounts = f"{prefix}-{load.make.__name__}"
            events = load.make(accounts, load.number)
            _add_accounts(engine, [event for event in events if isinstance(event, ConfigChanged)])
            cpu, began = cpu_seconds(processes) + time.process_time(), time.monotonic()
            side.publish(events)
            published = time.process_time()
            side.finish()
            took = time.monotonic() - began
            # Asking whether it is finished is not part of the job, publishing is.
            used = cpu_seconds(processes) + published - cpu
            results[name, load].per_second.append(len(events) / took)
            results[name, load].cpu_ms.append(1_000 * used / len(events))
            _check(engine, events, f"{accounts}-")


def _add_accounts(engine: Engine, events: Sequence[Event]) -> None:
    """Add an account to the mirror for each customer who changes a config."""
    rows = [
        {"linked_account_id": account, "status": "active"} for account in {event.linked_account_id for event in events}
    ]
    if rows:
        with engine.begin() as connection:
            connection.execute(insert(linked_accounts), rows)


def _check(engine: Engine, events: Sequence[Event], prefix: str) -> None:
    """Check that the work was done: every account has its row in the mirror."""
    table = configs if isinstance(events[0], ConfigChanged) else linked_accounts
    accounts = {event.linked_account_id for event in events}
    with engine.connect() as connection:
        statement = select(func.count()).where(table.c.linked_account_id.startswith(prefix, autoescape=True))
        count = connection.execute(statement.where(table.c.verified_at.is_not(None))).scalar_one()
    assert count == len(accounts), f"the mirror has {count} of {len(accounts)} rows of {prefix}"  # noqa: S101


def _figures(
    database: str, results: dict[tuple[str, Load], Measured], ceiling: float, cobalt: psutil.Process
) -> Iterator[Figure]:
    where = f"{PROCESSES} processes x {THREADS} threads"
    for load in LOADS:
        mirror, plain = results["ours", load], results["plain", load]
        ratio = _median(
            mirror_rate / plain_rate
            for mirror_rate, plain_rate in zip(mirror.per_second, plain.per_second, strict=True)
        )
        yield Figure(
            name=f"events a second, instant Cobalt, limiter off, {where}: {load.name}",
            database=database,
            value=ratio,
            unit="x",
            against="the same job written plainly",
            **at_least(load.bar, ratio, database),
            detail={
                "ours/s": _median(mirror.per_second),
                "plain/s": _median(plain.per_second),
                "rounds ours/s": mirror.per_second,
                "rounds plain/s": plain.per_second,
                "events a round": load.number,
                "instant Cobalt's ceiling/s": ceiling,
            },
        )
    for load in LOADS:
        mirror, plain = results["ours", load], results["plain", load]
        yield Figure(
            name=f"CPU per event, publish + relay + worker: {load.name}",
            database=database,
            value=_median(mirror.cpu_ms),
            unit="ms",
            against=f"plain {_median(plain.cpu_ms):.2f} ms",
            detail={"ours": mirror.cpu_ms, "plain": plain.cpu_ms},
        )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _ceiling(url: str, *, connections: int = PROCESSES * THREADS, seconds: float = 1.0) -> float:
    """Return the calls a second that the instant Cobalt answers to a client that does next to nothing."""
    host, port = url.removeprefix("http://").split(":")
    request = _raw_request(host)
    sockets = [socket.create_connection((host, int(port))) for _ in range(connections)]
    try:
        answered, ends = 0, time.monotonic() + seconds
        while time.monotonic() < ends:
            answered += _ask_all(sockets, request)
        return answered / seconds
    finally:
        for connection in sockets:
            connection.close()


def _raw_request(host: str) -> bytes:
    body = json.dumps(
        {"slug": "slack", "config_id": "ceiling", "fields": {"channel": "#room"}, "workflows": []}
    ).encode()
    head = f"PUT /api/v2/public/config HTTP/1.1\r\nhost: {host}\r\nlinked_account_id: ceiling\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _ask_all(sockets: Sequence[socket.socket], request: bytes) -> int:
    for connection in sockets:
        connection.sendall(request)
    for connection in sockets:
        connection.recv(65_536)  # an answer is one small write, so it comes in one piece
    return len(sockets)
