"""A world for tests: a real database, the sandbox in this process, and the real functions between them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Engine, event, func, select, text

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db import tables
from cobalt_mirror.db.due import find_due_accounts
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import record_catalogue
from cobalt_mirror.db.state import find_catalogue_due, find_halt, record_catalogue_due
from cobalt_mirror.events import Event, Receipt
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.catalogue import Catalogue, application_row
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.outcomes import backoff
from cobalt_mirror.workers.settings import Settings
from tests.around import around_the_rules
from tests.compiled_statements import compile_once
from tests.world_clock import WorldClock

#: A Fernet key for tests.
TEST_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#: A Fernet token.
_ENCRYPTED = re.compile(r"g[AI-P][\w-]{96,}=*")
#: Fields whose values the mirror does not hold.
_SECRET_FIELDS = {"signing_secret", "ssl_key", "row_secret"}


@dataclass
class World:
    """Publishes and processes events, and reads both sides. Time passes only if a test says so, or no work is due."""

    database_url: str
    key: str = "tk_sandbox"
    secret_keys: str = TEST_KEY
    options: dict[str, Any] = field(default_factory=dict)
    sandbox_settings: dict[str, Any] = field(default_factory=dict)
    #: Whether SQLite waits for the disk; without it, only a crash of the machine loses data.
    is_durable: bool = False

    def __post_init__(self) -> None:
        self.clock = WorldClock()
        self.sandbox = Sandbox(clock=self.clock, rate_limited=False)
        if self.sandbox_settings:
            self.sandbox.change_settings(**self.sandbox_settings)
        self.settings = Settings(
            database_url=self.database_url,
            mirror_secret_keys=self.secret_keys,
            cobalt_api_key=self.key,
            cobalt_base_url="http://sandbox.test",
            **self.options,
        )
        self.engine: Engine = create_engine(self.settings)
        compile_once(self.engine)
        if not self.is_durable and self.engine.dialect.name == "sqlite":
            event.listen(
                self.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF")
            )
        self.use_key(self.key)

    def use_key(self, key: str) -> None:
        """Restart the workers with another key."""
        self.client = Client(
            key,
            base_url="http://sandbox.test",
            transport=SandboxTransport(self.sandbox),
            timeout_seconds=self.settings.cobalt_timeout_seconds,
        )
        self.attempts = Attempts(
            engine=self.engine,
            client=self.client,
            settings=self.settings,
            vault=self.settings.vault(),
            clock=self.clock,
            backoff=lambda attempts, **limits: backoff(attempts, chance=lambda: 1.0, **limits),
        )
        self.catalogue = Catalogue(engine=self.engine, client=self.client, settings=self.settings, clock=self.clock)

    def close(self) -> None:
        self.client.close()
        self.engine.dispose()

    # --- the host's side ----------------------------------------------------------------------------------------------

    def publish(self, *events: Event) -> list[Receipt]:
        with self.engine.begin() as connection:
            return publish_with(self.settings.vault(), events, connection)

    def insert_by_hand(self, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(tables.events.insert().values(**values))

    def insert_around_the_rules(self, **values: Any) -> None:
        """Insert an event as it could be inserted before the schema refused it."""
        with around_the_rules(self.engine) as connection:
            connection.execute(tables.events.insert().values(**values))

    def fill_catalogue(self) -> None:
        """Let the mirror know the applications, as it does wherever workers have run for a minute."""
        with self.engine.begin() as connection:
            record_catalogue_due(connection, self.clock() + timedelta(hours=1))
            record_catalogue(connection, _catalogue(), Because(at=self.clock(), cause={"catalogue": "refreshed"}))

    # --- the workers' side --------------------------------------------------------------------------------------------

    def due_accounts(self) -> list[str]:
        with reading(self.engine).begin() as connection:
            return [due.linked_account_id for due in find_due_accounts(connection, self.clock(), limit=1000)]

    def work(self) -> None:
        """Make attempts at all accounts with due work until no work is due now."""
        for _ in range(2000):
            did_something = [self.attempts.attempt(account) for account in self.due_accounts()]
            if not any(did_something):
                return self._refresh_catalogue()
        raise self._never_ends()

    def work_until_quiet(self, *, patience: timedelta = timedelta(days=30)) -> None:
        """Work, and pass time to the next due work, until no work is left."""
        ends = self.clock() + patience
        for _ in range(2000):
            self.work()
            next_due = self.next_due()
            if next_due is None or next_due > ends:
                return
            self.clock.pass_time(max((next_due - self.clock()).total_seconds(), 0) + 0.001)
        raise self._never_ends()

    def work_for(self, seconds: float) -> None:
        """Work as time passes, half a second at a time."""
        ends = self.clock() + timedelta(seconds=seconds)
        while self.clock() < ends:
            self.work()
            self.clock.pass_time(0.5)

    def _refresh_catalogue(self) -> None:
        """Read the catalogue again when that is due, as workers do beside their other work."""
        with reading(self.engine).begin() as connection:
            due_at = find_catalogue_due(connection)
        if due_at is not None and due_at <= self.clock():
            self.catalogue.refresh()

    def _never_ends(self) -> AssertionError:
        left = [self.rows("events", status="pending"), self.rows("checks"), self.rows("work")]
        return AssertionError(f"work never ends: {left}")

    def next_due(self) -> datetime | None:
        pending = select(func.min(tables.events.c.due_at, type_=tables.events.c.due_at.type)).where(
            tables.events.c.status == "pending"
        )
        checks = select(func.min(tables.checks.c.due_at, type_=tables.checks.c.due_at.type))
        with reading(self.engine).begin() as connection:
            due_times = [connection.execute(statement).scalar_one() for statement in (pending, checks)]
            halt = find_halt(connection)
        next_due: datetime | None = min((due for due in due_times if due is not None), default=None)
        return next_due if next_due is None or halt is None else max(next_due, halt.probe_at)

    def clear(self) -> None:
        """Empty the mirror and Cobalt; the sandbox keeps its settings."""
        settings = self.sandbox.settings
        self.sandbox.reset()
        self.sandbox.change_settings(**settings.model_dump())
        with self.engine.begin() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(table.delete())

    # --- what is stored -----------------------------------------------------------------------------------------------

    def rows(self, table: str, **filters: Any) -> list[dict[str, Any]]:
        source = tables.metadata.tables[f"{tables.DECLARED_SCHEMA}.{table}"]
        statement = select(source).filter_by(**filters).order_by(*source.primary_key.columns)
        with reading(self.engine).begin() as connection:
            return [{str(name): each for name, each in row.items()} for row in connection.execute(statement).mappings()]

    def row(self, table: str, **filters: Any) -> dict[str, Any]:
        (row,) = self.rows(table, **filters)
        return row

    def event(self, published: Event) -> dict[str, Any]:
        return self.row("events", source=published.source, id=published.id)

    def statuses(self, events: Iterable[Event]) -> list[str]:
        return [self.event(published)["status"] for published in events]

    def calls(self) -> list[str]:
        """Return the names of the calls to Cobalt since the last time."""
        names = [call.route for call in self.sandbox.calls()]
        self.sandbox.reset_ledger()
        return names

    def view(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a view."""
        prefix = "" if self.engine.dialect.name == "sqlite" else f"{self.settings.mirror_schema}."
        with reading(self.engine).begin() as connection:
            return [
                {str(k): v for k, v in r.items()}
                for r in connection.execute(text(f"SELECT * FROM {prefix}{name}")).mappings()
            ]

    def everything_stored(self) -> str:
        """Return all rows of all tables, as one text."""
        return repr([self.rows(table.name) for table in tables.metadata.sorted_tables])

    def everything_readable(self) -> str:
        """Return all rows as one text without encrypted parts, whose random letters may contain any short word."""
        return _ENCRYPTED.sub("", self.everything_stored())

    def mirror(self) -> dict[str, Any]:
        """Return the mirror's rows in the form of `truth`, without deleted and missing ones."""
        accounts = {
            row["linked_account_id"]: (row["name"], row["udf"] or {})
            for row in self.rows("linked_accounts", status="active")
        }
        connections = {
            (row["linked_account_id"], row["slug"]): (row["status"], sorted(map(_account, row["accounts"] or [])))
            for row in self.rows("connections")
            if row["status"] != "disconnected"
        }
        configs = {
            _config_key(row): (row["fields"], _workflows(row["workflows"]))
            for row in self.rows("configs", status="installed")
        }
        return {"accounts": accounts, "connections": connections, "configs": configs}

    def truth(self) -> dict[str, Any]:
        """Return the sandbox's state in the form of `mirror`."""
        state = self.sandbox.state(environment="test")
        accounts = {row["linked_account_id"]: (row["name"], row["udf"]) for row in state["accounts"]}
        connections = {
            (row["linked_account_id"], row["slug"]): (row["status"], sorted(map(_account, row["accounts"])))
            for row in state["connections"]
        }
        configs = {
            _config_key(row): (_mirrored_values(row["fields"]), _workflows(_mirrored_workflows(row["workflows"])))
            for row in state["configs"]
        }
        return {"accounts": accounts, "connections": connections, "configs": configs}


@cache
def _catalogue() -> list[dict[str, Any]]:
    """What the sandbox lists, as rows of the mirror."""
    sandbox = Sandbox(rate_limited=False)
    with Client("tk_sandbox", base_url="http://sandbox.test", transport=SandboxTransport(sandbox)) as client:
        client.upsert_account("anyone")
        return [application_row(application) for application in client.fetch_applications("anyone")]


def _account(account: dict[str, Any]) -> tuple[str, str, str, datetime, str]:
    connected_at = datetime.fromisoformat(account["connected_at"])
    connection_id = account.get("connection_id") or ""
    return account["auth_type"], repr(account["identifier"]), account["status"], connected_at, connection_id


def _config_key(row: dict[str, Any]) -> tuple[str, ...]:
    """Account, application and config; the connection as well, where an application holds several."""
    key = (row["linked_account_id"], row["slug"], row["config_id"])
    return (*key, row["connection_id"]) if row["connection_id"] else key


def _mirrored_values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and name not in _SECRET_FIELDS}


def _mirrored_workflows(workflows: Any) -> list[dict[str, Any]]:
    return [{**workflow, "fields": _mirrored_values(workflow["fields"])} for workflow in _with_ids(workflows)]


def _with_ids(workflows: Any) -> list[dict[str, Any]]:
    return (
        list(workflows)
        if isinstance(workflows, list)
        else [{"id": id_, **workflow} for id_, workflow in workflows.items()]
    )


def _workflows(workflows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {workflow["id"]: (workflow["enabled"], workflow["fields"]) for workflow in workflows}
