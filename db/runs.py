"""Runs of the reconciliation: the place that only one run holds, its row, and how a killed run is resumed."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.errors import PlaceLost, PlaceTaken
from cobalt_mirror.db.statuses import SuspicionOutcome
from cobalt_mirror.db.tables import runs, suspicions, walked

#: A run without a heartbeat for this long has lost its place.
PLACE_TTL = timedelta(seconds=120)
#: A walk that began longer ago is not resumed: too much will have changed since.
RESUMABLE_FOR = timedelta(hours=1)

_HELD = "reconcile"
#: How many earlier runs are searched for a run with the same options.
_SEARCHED = 50


@dataclass(slots=True, kw_only=True)
class Run:
    """A run's row as it will be written with the next page or subject. Only the run itself changes it.

    Attributes:
        walking_since: when the walk's first page was asked for, also if the run that this run resumes asked for it.
        walked_at: when the walk was through; None: it is not.
        position: how many accounts of the listing are behind the walk; 0: there is nothing to resume.
        total: how many accounts the listing had when the last page came.
        untold: how many accounts were listed without their integrations.
        unmapped: how many connections were listed of an application that the catalogue does not have.
        contradiction: what the listing said that cannot be true; None: it said nothing of the kind.
    """

    id: str
    options: Mapping[str, Any]
    started_at: datetime
    walking_since: datetime
    resumes: str | None = None
    walked_at: datetime | None = None
    position: int = 0
    total: int | None = None
    untold: int = 0
    unmapped: int = 0
    contradiction: str | None = None
    pages: int = 0
    compared: int = 0
    adopted: int = 0
    repaired: int = 0
    left: int = 0
    calls: int = 0
    stopped_because: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run's row as it is stored; `Run` says what most of it means.

    Attributes:
        place: not empty while the run holds the place.
        alive_until: when it loses the place unless a heartbeat comes before.
    """

    id: str
    options: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime | None
    resumes: str | None
    place: str | None
    alive_until: datetime | None
    walking_since: datetime
    walked_at: datetime | None
    position: int
    total: int | None
    untold: int
    unmapped: int
    contradiction: str | None
    pages: int
    compared: int
    adopted: int
    repaired: int
    left: int
    calls: int
    stopped_because: str | None

    def is_under_way(self, at: datetime) -> bool:
        """Tell whether the run holds the place at a moment."""
        return self.place is not None and self.alive_until is not None and self.alive_until > at


def begin_run(connection: Connection, options: Mapping[str, Any], now: datetime) -> Run:
    """Take the place and begin. A run of the last hour with equal options that did not finish is resumed.

    Raises:
        PlaceTaken: another run holds the place.
    """
    lapsed = and_(runs.c.place == _HELD, runs.c.alive_until <= now)
    connection.execute(update(runs).where(lapsed).values(place=None))
    run = Run(id=secrets.token_hex(8), options=dict(options), started_at=now, walking_since=now)
    row = {**asdict(run), "place": _HELD, "alive_until": now + PLACE_TTL}
    taken = insert_into(connection, runs).values(**row).on_conflict_do_nothing(index_elements=["place"])
    before = _find_resumable(connection, options, now)
    if connection.execute(taken).rowcount != 1:
        raise PlaceTaken(_describe_holder(connection))
    if before is not None:
        _resume(connection, run, before)
        save_run(connection, run, now)
    _forget_walks(connection, now)
    return run


def save_run(connection: Connection, run: Run, now: datetime) -> None:
    """Write the run's row, which is also its heartbeat.

    Raises:
        PlaceLost: another run holds the place by now; the transaction must be rolled back.
    """
    _save(connection, run, alive_until=now + PLACE_TTL)


def end_run(connection: Connection, run: Run) -> None:
    """Write the run's row for the last time and give the place back.

    Raises:
        PlaceLost: another run holds the place by now; the transaction must be rolled back.
    """
    _save(connection, run, alive_until=None, place=None)
    if run.position == 0 or run.finished_at is not None:
        connection.execute(delete(walked).where(walked.c.run_id == run.id))


def list_runs(connection: Connection, *, limit: int = 20) -> list[RunRow]:
    """List the latest runs, newest first."""
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc(), runs.c.id).limit(limit))
    return [RunRow(**row._mapping) for row in rows]


def count_drift(connection: Connection) -> dict[str, int]:
    """Count what all runs have found: accounts adopted, subjects repaired and left. No row is ever deleted.

    SELECT sum(adopted) AS adopted, sum(repaired) AS repaired, sum("left") AS "left" FROM runs
    """
    counted = [func.coalesce(func.sum(runs.c[name]), 0).label(name) for name in ("adopted", "repaired", "left")]
    return {name: int(number) for name, number in connection.execute(select(*counted)).one()._mapping.items()}


def _save(connection: Connection, run: Run, **place: Any) -> None:
    """Write the row if it still has the place: one statement, for it goes with every page."""
    has_place = and_(runs.c.id == run.id, runs.c.place == _HELD)
    if connection.execute(update(runs).where(has_place).values(**asdict(run), **place)).rowcount != 1:
        raise PlaceLost(f"run {run.id} was suspended for too long, so another run took over and continues")


def _describe_holder(connection: Connection) -> str:
    holder = connection.execute(select(runs.c.id, runs.c.started_at).where(runs.c.place == _HELD)).one_or_none()
    if holder is None:
        return "another run has just started; try again when it has ended"
    return (
        f"run {holder.id} has been under way since {holder.started_at:%Y-%m-%d %H:%M:%S}Z; try again when it has ended"
    )


def _find_resumable(connection: Connection, options: Mapping[str, Any], now: datetime) -> RunRow | None:
    """Find the last run with these options, if it did not finish and has something to resume."""
    for row in list_runs(connection, limit=_SEARCHED):
        if row.options == dict(options):
            is_open = row.finished_at is None and row.position > 0
            return row if is_open and now - row.walking_since < RESUMABLE_FOR else None
    return None


def _resume(connection: Connection, run: Run, before: RunRow) -> None:
    reason = before.stopped_because
    note = f"{reason}; resumed by {run.id}" if reason else f"killed; resumed by {run.id}"
    connection.execute(update(runs).where(runs.c.id == before.id).values(stopped_because=note))
    for table in (walked, suspicions):
        connection.execute(update(table).where(table.c.run_id == before.id).values(run_id=run.id))
    left = and_(suspicions.c.run_id == run.id, suspicions.c.outcome == SuspicionOutcome.LEFT)
    connection.execute(update(suspicions).where(left).values(outcome=None))
    run.resumes = before.id
    for name in ("walking_since", "walked_at", "position", "total", "untold", "unmapped", "contradiction"):
        setattr(run, name, getattr(before, name))


def _forget_walks(connection: Connection, now: datetime) -> None:
    """Delete what runs noted that cannot be resumed any more, except what they left in doubt."""
    alive = select(runs.c.id).where(runs.c.finished_at.is_(None), runs.c.walking_since > now - RESUMABLE_FOR)
    connection.execute(delete(walked).where(walked.c.run_id.not_in(alive)))
    not_left = or_(suspicions.c.outcome.is_(None), suspicions.c.outcome != SuspicionOutcome.LEFT)
    connection.execute(delete(suspicions).where(suspicions.c.run_id.not_in(alive), not_left))
