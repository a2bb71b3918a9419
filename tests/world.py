"""A whole small world for tests: a real database, the sandbox in process, and the real functions that work between."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event, func, select, text

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db import tables
from cobalt_mirror.db.due import find_due_accounts
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.events import Event, Receipt
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.outcomes import backoff
from cobalt_mirror.workers.settings import Settings

#: A Fernet key that protects nothing.
TEST_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#: How every Fernet token begins, and the rest of it.
_SEALED = re.compile(r"gAAAA[\w-]+=*")


@dataclass
class WorldClock:
    """Tells the real time plus what tests let pass."""

    ahead: timedelta = timedelta()
    standing_at: datetime | None = None

    def __call__(self, _connection: Connection | None = None) -> datetime:
        return self.standing_at or datetime.now(UTC) + self.ahead

    def stand_at(self, moment: datetime) -> None:
        """Tell a moment of the past until `move_on`."""
        self.standing_at = moment

    def move_on(self) -> None:
        self.standing_at = None

    def pass_time(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class World:
    """Publishes, delivers, and looks at both sides. Time passes only when a test says so, or nothing else is left."""

    database_url: str
    key: str = "tk_sandbox"
    secret_keys: str = TEST_KEY
    options: dict[str, Any] = field(default_factory=dict)
    sandbox_settings: dict[str, Any] = field(default_factory=dict)
    #: Whether SQLite waits for the disk, which protects data from a crash of the machine only.
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
        if not self.is_durable and self.engine.dialect.name == "sqlite":
            event.listen(
                self.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF")
            )
        self.use_key(self.key)

    def use_key(self, key: str) -> None:
        """Start the workers anew with another key."""
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

    # --- the workers' side --------------------------------------------------------------------------------------------

    def due_accounts(self) -> list[str]:
        with reading(self.engine).begin() as connection:
            return [due.linked_account_id for due in find_due_accounts(connection, self.clock(), limit=1000)]

    def work(self) -> None:
        """Make an attempt at every account with due work, again and again, until no work is due now."""
        for _ in range(2000):
            did_something = [self.attempts.attempt(account) for account in self.due_accounts()]
            if not any(did_something):
                return
        raise AssertionError(
            f"work never ends: {self.rows('events', status='pending')} {self.rows('checks')} {self.rows('work')}"
        )

    def work_until_quiet(self, *, patience: timedelta = timedelta(days=30)) -> None:
        """The same, and let time pass to whenever the next work is due, until none is left."""
        ends = self.clock() + patience
        for _ in range(2000):
            self.work()
            next_due = self.next_due()
            if next_due is None or next_due > ends:
                return
            self.clock.pass_time(max((next_due - self.clock()).total_seconds(), 0) + 0.001)
        raise AssertionError(
            f"work never ends: {self.rows('events', status='pending')} {self.rows('checks')} {self.rows('work')}"
        )

    def next_due(self) -> datetime | None:
        pending = select(func.min(tables.events.c.due_at, type_=tables.events.c.due_at.type)).where(
            tables.events.c.status == "pending"
        )
        checks = select(func.min(tables.checks.c.due_at, type_=tables.checks.c.due_at.type))
        with reading(self.engine).begin() as connection:
            found = [connection.execute(statement).scalar_one() for statement in (pending, checks)]
            halt = find_halt(connection)
        next_due: datetime | None = min((due for due in found if due is not None), default=None)
        return next_due if next_due is None or halt is None else max(next_due, halt.probe_at)

    # --- what is stored -----------------------------------------------------------------------------------------------

    def rows(self, table: str, **wanted: Any) -> list[dict[str, Any]]:
        source = tables.metadata.tables[f"{tables.DECLARED_SCHEMA}.{table}"]
        statement = select(source).filter_by(**wanted).order_by(*source.primary_key.columns)
        with reading(self.engine).begin() as connection:
            return [
                {str(name): value for name, value in row.items()} for row in connection.execute(statement).mappings()
            ]

    def row(self, table: str, **wanted: Any) -> dict[str, Any]:
        (found,) = self.rows(table, **wanted)
        return found

    def event(self, published: Event) -> dict[str, Any]:
        return self.row("events", source=published.source, id=published.id)

    def statuses(self, events: Iterable[Event]) -> list[str]:
        return [self.event(one)["status"] for one in events]

    def calls(self) -> list[str]:
        """The names of the calls that Cobalt got since the last time this was asked."""
        names = [call.route for call in self.sandbox.calls()]
        self.sandbox.reset_ledger()
        return names

    def view(self, name: str) -> list[dict[str, Any]]:
        """The rows of a view."""
        prefix = "" if self.engine.dialect.name == "sqlite" else f"{self.settings.mirror_schema}."
        with reading(self.engine).begin() as connection:
            return [
                {str(k): v for k, v in r.items()}
                for r in connection.execute(text(f"SELECT * FROM {prefix}{name}")).mappings()
            ]

    def everything_stored(self) -> str:
        """Every row of every table, as one text."""
        return repr([self.rows(table.name) for table in tables.metadata.sorted_tables])

    def everything_readable(self) -> str:
        """The same without what is sealed, for in so many random letters any short word turns up some day."""
        return _SEALED.sub("", self.everything_stored())

    def mirror(self) -> dict[str, Any]:
        """What the mirror shows, in the shape of `truth`; what is gone is left out."""
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
            (row["linked_account_id"], row["slug"], row["config_id"]): (row["fields"], _workflows(row["workflows"]))
            for row in self.rows("configs", status="installed")
        }
        return {"accounts": accounts, "connections": connections, "configs": configs}

    def truth(self) -> dict[str, Any]:
        """What the sandbox holds, in the shape of `mirror`."""
        state = self.sandbox.state(environment="test")
        secret = self._secret_fields()
        accounts = {row["linked_account_id"]: (row["name"], row["udf"]) for row in state["accounts"]}
        connections = {
            (row["linked_account_id"], row["slug"]): (row["status"], sorted(map(_account, row["accounts"])))
            for row in state["connections"]
        }
        configs = {
            (row["linked_account_id"], row["slug"], row["config_id"]): (
                _shown(row["fields"], secret),
                _workflows(
                    [{**each, "fields": _shown(each["fields"], secret)} for each in _with_ids(row["workflows"])]
                ),
            )
            for row in state["configs"]
        }
        return {"accounts": accounts, "connections": connections, "configs": configs}

    def _secret_fields(self) -> set[str]:
        return {"signing_secret", "ssl_key", "row_secret"}


def _account(account: dict[str, Any]) -> tuple[str, str, str, datetime]:
    connected_at = datetime.fromisoformat(account["connected_at"])
    return account["auth_type"], repr(account["identifier"]), account["status"], connected_at


def _shown(values: dict[str, Any], secret: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and name not in secret}


def _with_ids(workflows: Any) -> list[dict[str, Any]]:
    return list(workflows) if isinstance(workflows, list) else [{"id": id_, **each} for id_, each in workflows.items()]


def _workflows(workflows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {each["id"]: (each["enabled"], each["fields"]) for each in workflows}
