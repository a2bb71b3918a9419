"""The evidence by which the invariants are checked, collected when the run is quiet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.events import Event
from cobalt_mirror.workers.demo.compare import MirrorRows, read_mirror
from tests.chaos.audit import Note, read_audit
from tests.chaos.control_client import ManualChange
from tests.chaos.host import Host, Key, Poisoned
from tests.chaos.injector import FaultInjector, InjectedFault
from tests.chaos.options import Options
from tests.chaos.services import Services
from tests.waiting import wait_until

Row = Mapping[str, Any]

#: Our tables that an invariant reads.
_TABLES = (
    tables.events,
    tables.history,
    tables.linked_accounts,
    tables.connections,
    tables.configs,
    tables.applications,
    tables.deletions,
    tables.notifications,
    tables.runs,
    tables.changes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence of a run.

    Attributes:
        accepted: The accepted events.
        skews: How far the clock of an event's publisher was ahead, in seconds, where it was not right.
        complaints: Errors of publish that should not have been raised.
        poisoned: Rows that no worker can read, by their fingerprints.
        rows: Our tables by name, each in the order of its key.
        mirror: The mirror's rows as a host reads them.
        state: The sandbox's full state.
        calls: The sandbox's ledger of calls.
        effects: The sandbox's ledger of effects.
        by_hand: Changes by customers and in the dashboard.
        audit: The database's own audit.
        faults: The injected faults.
    """

    options: Options = field(default_factory=Options)
    accepted: Mapping[Key, Event] = field(default_factory=dict)
    skews: Mapping[Key, float] = field(default_factory=dict)
    complaints: Sequence[str] = ()
    poisoned: Mapping[str, Poisoned] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    mirror: MirrorRows = field(default_factory=MirrorRows)
    state: Row = field(default_factory=dict)
    calls: Sequence[Row] = ()
    effects: Sequence[Row] = ()
    by_hand: Sequence[ManualChange] = ()
    audit: Sequence[Note] = ()
    faults: Sequence[InjectedFault] = ()


def collect(options: Options, services: Services, host: Host, injector: FaultInjector) -> Evidence:
    """Collect the evidence."""
    wait_until(lambda: _is_numbered(services.engine))
    state = services.control.state()
    with reading(services.engine).begin() as connection:
        rows = {
            table.name: [
                {str(name): value for name, value in row.items()}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in _TABLES
        }
        account_ids = {event.linked_account_id for event in host.accepted.values()}
        mirror = read_mirror(connection, account_ids | {row["linked_account_id"] for row in state["accounts"]})
    return Evidence(
        options=options,
        accepted=dict(host.accepted),
        skews=dict(host.skews),
        complaints=list(host.complaints),
        poisoned=dict(host.poisoned),
        rows=rows,
        mirror=mirror,
        state=state,
        calls=services.control.calls(),
        effects=services.control.effects(),
        by_hand=list(services.control.done),
        audit=read_audit(services.engine),
        faults=list(injector.done),
    )


def _is_numbered(engine: Engine) -> bool:
    """Return whether every entry of the change feed has its position."""
    number_changes(engine)
    with reading(engine).begin() as connection:
        unnumbered = select(tables.changes.c.number).where(tables.changes.c.position.is_(None)).limit(1)
        return connection.execute(unnumbered).first() is None


def keep(evidence: Evidence, folder: Path) -> None:
    """Write the evidence into a folder."""
    folder.mkdir(exist_ok=True)
    records = {**evidence.rows, "calls": evidence.calls, "effects": evidence.effects, "state": [evidence.state]}
    for name, items in (("audit", evidence.audit), ("faults", evidence.faults), ("by_hand", evidence.by_hand)):
        records[name] = [_plain(item) for item in items]
    for name, rows in records.items():
        lines = (json.dumps(row, default=str, ensure_ascii=False) for row in rows)
        (folder / f"{name}.ndjson").write_text("\n".join(lines) + "\n", "utf-8", errors="backslashreplace")


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def moment(text: str) -> datetime:
    """Return a time of the sandbox's as an aware UTC time."""
    return datetime.fromisoformat(text).astimezone(UTC)


#: The sandbox cuts its times off after milliseconds.
CUT = timedelta(milliseconds=2)
