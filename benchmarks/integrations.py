"""The read that a host's page makes: every integration of one customer, among 100,000 of them."""

import random
import statistics
import time
from collections.abc import Iterator

from sqlalchemy import Engine, text

from benchmarks.figures import Figure, at_most
from benchmarks.place import SQLITE, Say, migrated_database
from cobalt_mirror.db import integrations
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.settings import DatabaseSettings

APPLICATIONS, ACCOUNTS, CONNECTIONS_EACH = 50, 100_000, 3  # the SQL below repeats the first and the last
READS = 2_000

# What the databases fill in by themselves; an account's connections are spread over the applications.
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count})"
_FILL = (
    (
        APPLICATIONS,
        "INSERT INTO {schema}applications (slug, name, icon, description, tags, auth_types, verified_at)"
        " {numbers} SELECT 'app-' || n, 'Application ' || n, 'https://icons.example.com/' || n || '.svg',"
        " 'Connects your account to application ' || n, '[\"sales\"]',"
        ' \'[{{"auth_type": "oauth2", "inputs": []}}, {{"auth_type": "keybased", "inputs": [{{"id": "token"}}]}}]\','
        " '2026-01-31T12:00:00.000000Z' FROM numbers",
    ),
    (
        ACCOUNTS,
        "INSERT INTO {schema}linked_accounts (linked_account_id, name, udf, environment, status, verified_at)"
        " {numbers} SELECT 'customer-' || n, 'Customer ' || n, '{{\"plan\": \"pro\"}}', 'test', 'active',"
        " '2026-01-31T12:00:00.000000Z' FROM numbers",
    ),
    (
        ACCOUNTS * CONNECTIONS_EACH,
        "INSERT INTO {schema}connections (linked_account_id, slug, status, accounts, connected_at, verified_at)"
        " {numbers} SELECT 'customer-' || (n / 3), 'app-' || (n * 7 % 50), 'connected',"
        ' \'[{{"auth_type": "oauth2", "identifier": "someone@example.com", "status": "active"}}]\','
        " '2026-01-31T12:00:00.000000Z', '2026-01-31T12:00:00.000000Z' FROM numbers",
    ),
)


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Fill the mirror, then read the page of random customers."""
    with migrated_database(database) as url:
        settings = DatabaseSettings(database_url=url)
        engine = create_engine(settings)
        say(f"filling in {ACCOUNTS:,} accounts with {CONNECTIONS_EACH} connections each")
        _fill(engine, "" if database == SQLITE else f"{settings.mirror_schema}.")
        say(f"{READS} reads")
        times = sorted(_read(engine, f"customer-{random.randrange(ACCOUNTS)}") for _ in range(READS))
        engine.dispose()
    p50_ms = 1_000 * statistics.median(times)
    yield Figure(
        name=f"integrations(), {APPLICATIONS} applications, {ACCOUNTS:,} accounts, p50",
        database=database,
        value=p50_ms,
        unit="ms",
        **at_most(2, p50_ms, database),
        detail={"p99 ms": round(1_000 * times[int(READS * 0.99)], 3), "reads": READS},
    )


def _fill(engine: Engine, schema: str) -> None:
    with engine.begin() as connection:
        for count, statement in _FILL:
            words = statement.format(schema=schema, numbers=_NUMBERS.format(count=count))
            connection.execute(text(words.replace(":", "\\:")))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _read(engine: Engine, account: str) -> float:
    with reading(engine).connect() as connection:
        began = time.perf_counter()
        page = integrations(connection, account)
        took = time.perf_counter() - began
    connected = sum(integration.state == "connected" for integration in page)
    assert (len(page), connected) == (APPLICATIONS, CONNECTIONS_EACH)  # noqa: S101 - else another read was measured
    return took
