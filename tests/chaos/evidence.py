"""Everything that the invariants are judged by, collected when all is quiet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import Event
from cobalt_mirror.workers.demo.compare import MirrorRows, read_mirror
from tests.chaos.audit import Note, read_audit
from tests.chaos.damage import Damage
from tests.chaos.damage import Done as Harmed
from tests.chaos.host import Host, Key
from tests.chaos.knobs import Done
from tests.chaos.options import Options
from tests.chaos.place import Place

Row = Mapping[str, Any]

#: The tables of ours that an invariant looks at.
_TABLES = (
    tables.events,
    tables.history,
    tables.linked_accounts,
    tables.connections,
    tables.configs,
    tables.applications,
    tables.deletions,
    tables.runs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a run left behind.

    Attributes:
        accepted: the events that were accepted.
        complaints: what publish refused although it should not.
        rows: our tables, by name, each in the order of its key.
        mirror: what a host's pages would show.
        state: the sandbox's whole truth.
        calls: the sandbox's ledger of calls.
        effects: the sandbox's ledger of effects.
        by_hand: what customers and the dashboard did at Cobalt.
        audit: what the database noted.
        harm: what was done to the parts.
    """

    options: Options = field(default_factory=Options)
    accepted: Mapping[Key, Event] = field(default_factory=dict)
    complaints: Sequence[str] = ()
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    mirror: MirrorRows = field(default_factory=MirrorRows)
    state: Row = field(default_factory=dict)
    calls: Sequence[Row] = ()
    effects: Sequence[Row] = ()
    by_hand: Sequence[Done] = ()
    audit: Sequence[Note] = ()
    harm: Sequence[Harmed] = ()


def collect(options: Options, place: Place, host: Host, damage: Damage) -> Evidence:
    """Read everything."""
    state = place.knobs.state()
    with reading(place.engine).begin() as connection:
        rows = {
            table.name: [
                {str(name): value for name, value in row.items()}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in _TABLES
        }
        known = {event.linked_account_id for event in host.accepted.values()}
        mirror = read_mirror(connection, known | {row["linked_account_id"] for row in state["accounts"]})
    return Evidence(
        options=options,
        accepted=dict(host.accepted),
        complaints=list(host.complaints),
        rows=rows,
        mirror=mirror,
        state=state,
        calls=place.knobs.calls(),
        effects=place.knobs.effects(),
        by_hand=list(place.knobs.done),
        audit=read_audit(place.engine),
        harm=list(damage.done),
    )


def keep(evidence: Evidence, folder: Path) -> None:
    """Write it all into a folder, for whoever wants to know why."""
    folder.mkdir(exist_ok=True)
    found = {**evidence.rows, "calls": evidence.calls, "effects": evidence.effects, "state": [evidence.state]}
    found |= {"audit": [_plain(one) for one in evidence.audit], "harm": [_plain(one) for one in evidence.harm]}
    found |= {"by_hand": [_plain(one) for one in evidence.by_hand]}
    for name, rows in found.items():
        lines = (json.dumps(row, default=str, ensure_ascii=False) for row in rows)
        (folder / f"{name}.ndjson").write_text("\n".join(lines) + "\n")


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def moment(text: str) -> datetime:
    """A time of the sandbox's."""
    return datetime.fromisoformat(text).astimezone(UTC)


#: The sandbox cuts its times off after milliseconds.
CUT = timedelta(milliseconds=2)
