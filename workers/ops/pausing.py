"""Pausing and resuming work, as the operator asks for it."""

from datetime import timedelta

from sqlalchemy import Engine

from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.pauses import (
    Pause,
    end_pause,
    hurry_paused,
    hurry_paused_rereads,
    knows_application,
    record_pause,
)
from cobalt_mirror.db.statuses import PauseScope


def pause_work(
    engine: Engine,
    scope: PauseScope,
    name: str | None,
    *,
    lasts: timedelta | None,
    why: str | None,
    by: str,
    clock: Clock = database_clock,
) -> Pause:
    """Stop something from now on. Attempts that are under way finish; if it is paused already, this replaces that.

    Args:
        engine: the database.
        scope: what kind of thing to stop.
        name: which type, application or account; None for a scope with one thing only.
        lasts: after how long it goes on by itself; None: when somebody resumes it.
        why: the reason, for people.
        by: who stops it.
        clock: where the time comes from.
    """
    with engine.begin() as connection:
        now = clock(connection)
        until = None if lasts is None else now + lasts
        pause = Pause(scope=scope, name=name, since=now, until=until, why=why, by=by)
        record_pause(connection, pause)
    _hurry(engine, scope, name, clock)  # what waits for the end of the pause before learns of the new one
    return pause


def is_unknown(engine: Engine, scope: PauseScope, name: str | None) -> bool:
    """Tell whether a name is that of an application of which we know nothing, so that it may be misspelt."""
    if scope is not PauseScope.APPLICATION or name is None:
        return False
    with reading(engine).begin() as connection:
        return not knows_application(connection, name)


def resume_work(engine: Engine, scope: PauseScope, name: str | None, *, clock: Clock = database_clock) -> Pause | None:
    """Let something go on at once. Return the pause that ended; None: it was not paused."""
    with engine.begin() as connection:
        ended = end_pause(connection, scope, name, clock(connection))
    _hurry(engine, scope, name, clock)
    return ended


def _hurry(engine: Engine, scope: PauseScope, name: str | None, clock: Clock) -> None:
    """Make due what waits, batch by batch, so that no transaction is long."""
    if scope is PauseScope.RECONCILIATION:
        return
    with engine.begin() as connection:
        hurry_paused_rereads(connection, scope, name, clock(connection))
    seen: int | None = -1
    while seen is not None:
        with engine.begin() as connection:
            seen = hurry_paused(connection, scope, name, clock(connection), after=seen)
