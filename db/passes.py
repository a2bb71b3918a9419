"""The last complete pass of the reconciliation over all accounts: how fresh the mirror is at least."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, delete, select

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.runs import Run
from cobalt_mirror.db.statuses import StateKey
from cobalt_mirror.db.tables import state, suspicions


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPass:
    """The start of the last pass over all accounts that was completed, and of the last that showed connections too."""

    accounts: datetime | None = None
    connections: datetime | None = None


def find_last_pass(connection: Connection) -> LastPass:
    """Find when everything was compared the last time."""
    return read_last_pass(connection.execute(select(select_last_pass())).scalar_one())


def select_last_pass() -> ScalarSelect[Any]:
    """Return the last pass as a column of a SELECT; `read_last_pass` reads its value."""
    return select(state.c.value).where(state.c.key == StateKey.LAST_PASS).scalar_subquery()


def read_last_pass(value: Any) -> LastPass:
    """Read the last pass from its value in the table `state`; None: there was no pass."""
    return LastPass(**{name: datetime.fromisoformat(moment) for name, moment in (value or {}).items()})


def record_pass(connection: Connection, run: Run) -> None:
    """Record a complete pass over all accounts: what it left in no doubt is as fresh as its start."""
    before = find_last_pass(connection)
    passed = LastPass(accounts=run.walking_since, connections=before.connections if run.untold else run.walking_since)
    value = {
        name: moment.isoformat()
        for name in ("accounts", "connections")
        if (moment := getattr(passed, name)) is not None
    }
    statement = insert_into(connection, state).values(key=StateKey.LAST_PASS, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
    connection.execute(delete(suspicions).where(suspicions.c.run_id != run.id))
