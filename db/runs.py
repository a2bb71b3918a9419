"""Runs of the reconciliation: the one place that a run holds, its row, and how one that was killed is taken up."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, ScalarSelect, and_, delete, or_, select, update

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.errors import PlaceLost, PlaceTaken
from cobalt_mirror.db.statuses import StateKey, SuspicionOutcome
from cobalt_mirror.db.tables import runs, state, suspicions, walked

#: A run that gave no sign of life for this long has lost its place.
PLACE_TTL = timedelta(seconds=120)
#: A walk that began longer ago is not taken up again: too much will have changed since.
RESUMABLE_FOR = timedelta(hours=1)

_HELD = "reconcile"
#: How many earlier runs are looked at to find one with the same options.
_LOOKED_AT = 50


@dataclass(slots=True, kw_only=True)
class Run:
    """A run's row as it will be written with the next page or subject. Only the run itself changes it.

    Attributes:
        walking_since: when the walk's first page was asked for, if need be by the run that this one resumes.
        walked_at: when the walk was through; None: it is not.
        position: how many accounts of the listing are behind the walk; 0: there is nothing to take up again.
        total: how many accounts the listing had when the last page came.
        untold: how many accounts came without their integrations.
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
        place: not empty while the run holds the place of the one run.
        alive_until: when it loses that place unless it shows that it lives.
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
    """Take the place and begin; a run of the last hour with equal options that did not finish is resumed.

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
        _take_up(connection, run, before)
        save_run(connection, run, now)
    _forget_walks(connection, now)
    return run


def save_run(connection: Connection, run: Run, now: datetime) -> None:
    """Write the run's row and keep its place for another while.

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


# --- the last complete pass -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPass:
    """The start of the last pass over all accounts that was completed, and of the last that showed connections too."""

    accounts: datetime | None = None
    connections: datetime | None = None


def find_last_pass(connection: Connection) -> LastPass:
    """When everything was compared the last time."""
    return read_last_pass(connection.execute(select(select_last_pass())).scalar_one())


def select_last_pass() -> ScalarSelect[Any]:
    """The last pass, for a SELECT; `read_last_pass` takes what comes."""
    return select(state.c.value).where(state.c.key == StateKey.LAST_PASS).scalar_subquery()


def read_last_pass(value: Any) -> LastPass:
    """The last pass as the table `state` holds it; None: there was none."""
    return LastPass(**{name: datetime.fromisoformat(moment) for name, moment in (value or {}).items()})


def record_pass(connection: Connection, run: Run) -> None:
    """A pass over all accounts is complete: everything without a doubt of this run is as fresh as its start."""
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


# --- the place --------------------------------------------------------------------------------------------------------


def _save(connection: Connection, run: Run, **place: Any) -> None:
    """Write the row if it still has the place: one statement, for it goes with every page."""
    ours = and_(runs.c.id == run.id, runs.c.place == _HELD)
    if connection.execute(update(runs).where(ours).values(**asdict(run), **place)).rowcount != 1:
        raise PlaceLost(f"run {run.id} was suspended for too long, so another run took over and continues")


def _describe_holder(connection: Connection) -> str:
    holder = connection.execute(select(runs.c.id, runs.c.started_at).where(runs.c.place == _HELD)).one_or_none()
    if holder is None:
        return "another run has just started; try again when it has ended"
    return (
        f"run {holder.id} has been under way since {holder.started_at:%Y-%m-%d %H:%M:%S}Z; try again when it has ended"
    )


# --- taking up what was left ------------------------------------------------------------------------------------------


def _find_resumable(connection: Connection, options: Mapping[str, Any], now: datetime) -> RunRow | None:
    """The last run with these options, if it did not finish and has something to go on from."""
    for row in list_runs(connection, limit=_LOOKED_AT):
        if row.options == dict(options):
            is_open = row.finished_at is None and row.position > 0
            return row if is_open and now - row.walking_since < RESUMABLE_FOR else None
    return None


def _take_up(connection: Connection, run: Run, before: RunRow) -> None:
    reason = before.stopped_because
    note = f"{reason}; resumed by {run.id}" if reason else f"killed; resumed by {run.id}"
    connection.execute(update(runs).where(runs.c.id == before.id).values(stopped_because=note))
    for table in (walked, suspicions):
        connection.execute(update(table).where(table.c.run_id == before.id).values(run_id=run.id))
    left = and_(suspicions.c.run_id == run.id, suspicions.c.outcome == SuspicionOutcome.LEFT)
    connection.execute(update(suspicions).where(left).values(outcome=None))
    run.resumes = before.id
    for name in ("walking_since", "walked_at", "position", "total", "untold"):
        setattr(run, name, getattr(before, name))


def _forget_walks(connection: Connection, now: datetime) -> None:
    """Drop what runs noted that nobody takes up any more, but for what they left in doubt."""
    alive = select(runs.c.id).where(runs.c.finished_at.is_(None), runs.c.walking_since > now - RESUMABLE_FOR)
    connection.execute(delete(walked).where(walked.c.run_id.not_in(alive)))
    not_left = or_(suspicions.c.outcome.is_(None), suspicions.c.outcome != SuspicionOutcome.LEFT)
    connection.execute(delete(suspicions).where(suspicions.c.run_id.not_in(alive), not_left))
