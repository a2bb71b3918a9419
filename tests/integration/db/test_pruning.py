"""What is pruned and what stays, on both databases."""

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.notifications import find_connected_times
from cobalt_mirror.db.statuses import CallOutcome
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.ops.pruning import Part, Pruning
from tests.integration.db.rows import add

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAYS = {age: NOW - timedelta(days=age) for age in (1, 8, 91, 95)}


def event(id_: str, age: int, status: str = "done", **columns: Any) -> dict[str, Any]:
    moment = DAYS[age]
    ended = {} if status == "pending" else {"finished_at": moment}
    times = {"occurred_at": moment, "recorded_at": moment, "due_at": moment}
    kind = {"type": "config_changed", "linked_account_id": "acme", "slug": "slack", "payload": {"fields": {"x": id_}}}
    return {"id": id_, "status": status, **times, **ended, **kind, **columns}


def prune(engine: Engine, *, dry_run: bool = False, batch: int = 2, **more: Any) -> dict[Part, int]:
    return Pruning(
        engine=engine,
        vault=Vault(()),
        older_than=timedelta(days=90),
        clock=lambda _connection: NOW,
        is_dry_run=dry_run,
        batch=batch,
        **more,
    ).run()


def ids(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        return sorted(connection.execute(select(tables.events.c.id)).scalars())


def test_old_finished_events_go_except_what_is_needed_or_waits(engine: Engine) -> None:
    add(
        engine,
        tables.events,
        event("old", 95),
        event("moot", 91, "superseded"),
        event("given-up", 91, "discarded"),
        event("dead", 95, "dead"),
        event("unseen", 95, unseen="connection"),
        event("waiting", 95, "pending"),
        event("young", 1, "superseded"),
        event("newest", 91, linked_account_id="bolt"),
        event("last", 1),
    )
    before = ids(engine)

    assert prune(engine, dry_run=True)[Part.EVENTS] == 3
    assert ids(engine) == before
    assert prune(engine)[Part.EVENTS] == 3
    assert ids(engine) == sorted({*before} - {"old", "moot", "given-up"})
    assert prune(engine)[Part.EVENTS] == 0


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_row_in_use_is_passed_over(engine: Engine) -> None:
    add(engine, tables.events, event("old", 95), event("used", 95), event("last", 1))

    with engine.begin() as connection:
        connection.execute(select(tables.events).where(tables.events.c.id == "used").with_for_update())
        assert prune(engine)[Part.EVENTS] == 1
        assert ids(engine) == ["last", "used"]
    assert prune(engine)[Part.EVENTS] == 1
    assert ids(engine) == ["last"]


def test_a_stop_ends_it_after_the_batch_in_progress_and_the_next_run_goes_on(engine: Engine) -> None:
    add(engine, tables.events, *(event(f"e{number}", 95) for number in range(5)), event("last", 1))
    stop = Event()

    assert prune(engine, stop=stop, show=lambda _counts: stop.set())[Part.EVENTS] == 1
    assert len(ids(engine)) == 5
    assert prune(engine)[Part.EVENTS] == 4


def test_old_history_goes_and_old_bodies_are_emptied(engine: Engine) -> None:
    entry = {"what": "connection", "changes": {}, "because": {}}
    add(engine, tables.history, *({"recorded_at": DAYS[age], **entry} for age in (95, 91, 91, 8, 1)))
    call = {"linked_account_id": "acme", "slug": "", "attempt": "a", "because": {}, "method": "GET", "path": "/x"}
    made = {"took_ms": 1, "waited_ms": 0, "outcome": next(iter(CallOutcome))}
    add(engine, tables.calls, *({"made_at": DAYS[age], **call, **made} for age in (95, 91, 1)))
    created = {"createdAt": "Fri, 30 Jan 2026 12:00:00 GMT", "email": "someone@example.com"}
    for age in (8, 1):
        for name in ("Connection Created", "Workflow Completed"):
            add(engine, tables.notifications, {"received_at": DAYS[age], "event": name, "payload": created})
    counts = prune(engine)

    assert (counts[Part.HISTORY], counts[Part.CALLS], counts[Part.BODIES]) == (3, 2, 2)
    with engine.begin() as connection:
        assert len(connection.execute(select(tables.history.c.number)).all()) == 2
        assert connection.execute(select(tables.calls.c.number)).scalars().all() == [3]
        bodies = connection.execute(select(tables.notifications.c.payload).order_by(tables.notifications.c.number))
        assert list(bodies.scalars()) == [{"createdAt": created["createdAt"]}, None, created, created]
    assert sum(prune(engine).values()) == 0


@pytest.mark.parametrize("moment", ["Tue, 07 Nov 2023 08:03:27 +99999999999999", "yesterday", "", None, 7, ["x"], {}])
def test_a_moment_that_no_clock_has_is_none(engine: Engine, moment: Any) -> None:
    its = {"linked_account_id": "acme", "slug": "slack", "event": "Connection Created"}
    add(engine, tables.notifications, {"received_at": DAYS[8], **its, "payload": {"createdAt": moment}})
    with engine.begin() as connection:
        assert find_connected_times(connection, "acme", "slack") == []

    assert prune(engine)[Part.BODIES] == 1


def test_notes_of_old_runs_go_except_what_is_in_doubt(engine: Engine) -> None:
    for name, age in (("old", 91), ("young", 1)):
        add(engine, tables.runs, {"id": name, "options": {}, "started_at": DAYS[age], "walking_since": DAYS[age]})
        add(engine, tables.walked, *({"run_id": name, "linked_account_id": f"a{number}"} for number in range(3)))
        for outcome in ("left", "agreed"):
            row: dict[str, Any] = {
                "run_id": name,
                "linked_account_id": outcome,
                "slug": "",
                "kind": "changed",
                "differences": {},
            }
            add(engine, tables.suspicions, {**row, "outcome": outcome})

    assert prune(engine)[Part.WALKS] == 4
    with engine.begin() as connection:
        left = connection.execute(select(tables.suspicions.c.run_id, tables.suspicions.c.outcome)).all()
        assert sorted((row.run_id, str(row.outcome)) for row in left) == [
            ("old", "left"),
            ("young", "agreed"),
            ("young", "left"),
        ]


def notice(position: int, age: int, status: str, **columns: Any) -> dict[str, Any]:
    times = {"recorded_at": DAYS[age], "due_at": DAYS[age]}
    key = {"receiver": "default", "position": position, "id": f"msg_{position}", "linked_account_id": "acme"}
    return {**key, "type": "connection.reauth_required", "slug": "slack", "status": status, **times, **columns}


def test_old_notices_are_deleted_except_those_of_failures_that_last(engine: Engine) -> None:
    for slug, status in (("slack", "connected"), ("hubspot", "reauth_required")):
        add(engine, tables.connections, {"linked_account_id": "acme", "slug": slug, "status": status})
    add(
        engine,
        tables.notices,
        notice(1, 91, "delivered", told=True),
        notice(2, 91, "delivered", told=True, slug="hubspot"),
        notice(3, 91, "skipped", told=False, slug="hubspot"),
        notice(4, 91, "delivered", told=True, slug="hubspot", type="event.dead"),
        notice(5, 91, "failed", told=False),
        notice(6, 91, "pending", told=False),
        notice(7, 8, "delivered", told=True),
        notice(8, 8, "pending", told=False),
    )

    assert prune(engine, dry_run=True)[Part.NOTICES] == 5
    assert prune(engine)[Part.NOTICES] == 5
    assert positions(engine) == [2, 7, 8]


def test_notices_that_wait_stay_for_a_week(engine: Engine) -> None:
    add(
        engine,
        tables.notices,
        *(notice(age, age, status, told=False) for age, status in ((8, "pending"), (1, "pending"))),
    )

    old = Pruning(engine=engine, vault=Vault(()), older_than=timedelta(hours=1), clock=lambda _connection: NOW)

    assert old.run()[Part.NOTICES] == 1
    assert positions(engine) == [1]


def positions(engine: Engine) -> list[int]:
    with engine.begin() as connection:
        return list(connection.execute(select(tables.notices.c.position).order_by(tables.notices.c.position)).scalars())
