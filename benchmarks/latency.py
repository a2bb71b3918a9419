"""From publish to mirror at rest, and what an idle relay costs: `python -m benchmarks.latency [EVENTS [FINISHED]]`."""

import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import (
    Fleet,
    Plan,
    cpu_seconds,
    database_server,
    fleet,
    machine_load,
    percentile,
    say_to_stderr,
    show,
)
from benchmarks.place import POSTGRESQL, SQLITE, Say
from cobalt_mirror.events import UserSignedUp

EVENTS = 200
FINISHED = 1_000_000
IDLE_SECONDS = 30.0
#: The accounts that are measured, and how many finished events each of them has in the full log.
_ACCOUNTS = [f"rest-{number:02}" for number in range(20)]
_FINISHED_EACH = 250
_LOOK_SECONDS = 0.001
_PATIENCE_SECONDS = 30.0


def at_rest(say: Say, *, events: int = EVENTS, databases: Iterable[str] = (POSTGRESQL, SQLITE)) -> Iterator[Figure]:
    """Measure the time from publish to mirror, one event at a time, and the processor time of an idle relay."""
    for database in databases:
        say(f"publish to mirror at rest on {database}, {events} events one by one")
        with database_server(database) as server, fleet(server, Plan()) as running:
            yield _publish_to_mirror(database, _measured(running, events))
            say(f"an idle relay on {database}, {IDLE_SECONDS:g} s")
            yield _idle_relay(running, database)


def with_a_full_log(say: Say, *, events: int = EVENTS, finished: int = FINISHED) -> Iterator[Figure]:
    """Measure the time from publish to mirror with a million finished events in the log, against an empty one."""
    with database_server(POSTGRESQL) as server, fleet(server, Plan()) as running:
        say(f"publish to mirror with an empty log, {events} events")
        empty = _measured(running, events)
        say(f"loading {finished:,} finished events")
        _fill_log(running, finished)
        say("publish to mirror with a full log")
        full = _measured(running, events)
    ratio = percentile(full, 0.5) / percentile(empty, 0.5)
    yield Figure(
        name=f"publish to mirror with {finished:,} finished events",
        database=POSTGRESQL,
        value=round(ratio, 2),
        unit="x",
        against="an empty log",
        detail={
            "empty": _described(empty),
            "full": _described(full),
            "finished events of the measured accounts": len(_ACCOUNTS) * _FINISHED_EACH,
            "load": machine_load(),
        },
        **at_most(1.2, ratio, POSTGRESQL),
    )


def _publish_to_mirror(database: str, took: list[float]) -> Figure:
    median = percentile(took, 0.5)
    return Figure(
        name="publish to mirror at rest, median",
        database=database,
        value=round(median, 1),
        unit="ms",
        detail={**_described(took), "load": machine_load()},
        **at_most(35, median, database),
    )


def _idle_relay(running: Fleet, database: str) -> Figure:
    pid = running.processes.pids["relay"]
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)
    return Figure(
        name="an idle relay's processor time",
        database=database,
        value=round(share, 2),
        unit="% of a core",
        detail={"load": machine_load()},
        **at_most(2, share, database),
    )


def _described(took: list[float]) -> dict[str, float]:
    shares = {"p10": 0.1, "p50": 0.5, "p95": 0.95, "max": 1.0}
    return {"events": len(took)} | {name: round(percentile(took, share), 1) for name, share in shares.items()}


# --- measuring --------------------------------------------------------------------------------------------------------


def _measured(running: Fleet, events: int) -> list[float]:
    """Return the time of each event from before its publish to the mirror's row, in milliseconds."""
    running.publish(UserSignedUp(account, name="before") for account in _ACCOUNTS)
    running.wait_until_done()
    chance, took = random.Random(events), []
    with closing(_Looker.at(running)) as looker:
        for number in range(events):
            time.sleep(chance.uniform(0.2, 0.4))
            account, name = _ACCOUNTS[number % len(_ACCOUNTS)], f"name {number}"
            began = time.monotonic()
            running.publish([UserSignedUp(account, name=name)])
            looker.wait_for_name(account, name)
            took.append((time.monotonic() - began) * 1_000)
    return took


@dataclass(frozen=True, slots=True)
class _Looker:
    """Polls the mirror every millisecond or two with the database driver, so that polling costs little."""

    driver: Any
    table: str

    @classmethod
    def at(cls, running: Fleet) -> "_Looker":
        is_sqlite = running.engine.dialect.name == "sqlite"
        borrowed = running.engine.raw_connection()
        driver: Any = borrowed.driver_connection
        borrowed.detach()
        if not is_sqlite:
            driver.autocommit = True
        return cls(driver, "linked_accounts" if is_sqlite else f"{running.settings.mirror_schema}.linked_accounts")

    def wait_for_name(self, account: str, name: str) -> None:
        """Return as soon as the mirror shows this name.

        Raises:
            TimeoutError: it does not.
        """
        query = f"SELECT name FROM {self.table} WHERE linked_account_id = '{account}'"  # noqa: S608 - our own names
        ends = time.monotonic() + _PATIENCE_SECONDS
        while self.driver.execute(query).fetchone() != (name,):
            if time.monotonic() > ends:
                raise TimeoutError(f"{account} does not become {name!r}")
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self.driver.close()


# --- a full log -------------------------------------------------------------------------------------------------------

_FILL = """
INSERT INTO {schema}.events (source, type, linked_account_id, slug, payload, occurred_at, recorded_at, due_at, status,
                             finished_at, attempts)
SELECT 'bulk', CASE WHEN mod(n, 3) = 0 THEN 'user_signed_up' ELSE 'config_changed' END, {account},
       CASE WHEN mod(n, 3) = 0 THEN NULL ELSE 'slack' END,
       CASE WHEN mod(n, 3) = 0 THEN '{{"name": "Customer"}}' ELSE '{{"fields": {{"channel": "general"}}}}' END::jsonb,
       moment, moment, moment, 'done', moment + interval '1 second', 0
FROM (SELECT n, clock_timestamp() - interval '1 day' - n * interval '1 second' AS moment
      FROM generate_series(1, {count}) AS n) AS series
"""


def _fill_log(running: Fleet, finished: int) -> None:
    """Insert finished events: of 100,000 other accounts, and some of every measured account."""
    schema = running.settings.mirror_schema
    own = len(_ACCOUNTS) * _FINISHED_EACH
    with running.engine.begin() as connection:
        accounts = {
            "'bulk-' || mod(n, 100000)": finished - own,
            f"'rest-' || lpad(mod(n, {len(_ACCOUNTS)})::text, 2, '0')": own,
        }
        for account, count in accounts.items():
            fill = _FILL.format(schema=schema, account=account, count=count)
            connection.exec_driver_sql(fill)
    with running.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM ANALYZE {schema}.events")


def main() -> None:
    """Measure and print."""
    words = [int(word) for word in sys.argv[1:]]
    events, finished = [*words, *(EVENTS, FINISHED)[len(words) :]]
    show(at_rest(say_to_stderr, events=events))
    if finished:
        show(with_a_full_log(say_to_stderr, events=events, finished=finished))


if __name__ == "__main__":
    main()
