"""What each key seals, and sealing it with another key beside everything else, on both databases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event as Stop
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, delete, select, update

from cobalt_mirror.db import tables
from cobalt_mirror.db.erasure import erase_events
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.log import EVENT_COLUMNS, LoggedEvent
from cobalt_mirror.db.outcomes import done, record_outcomes
from cobalt_mirror.db.sealed import SEALED, read_not_sealed_by, replace, replacement_for
from cobalt_mirror.db.vault import Vault, find_fingerprint
from cobalt_mirror.events import ConfigChanged, Event, IdConflict, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.events.stored import read_entry
from cobalt_mirror.workers.ops.rotating import Rotated, Rotation
from cobalt_mirror.workers.ops.secret_keys import KeyReport, examine_keys
from tests.integration.db.rows import add

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
BEFORE, ROTATING, AFTER = Vault.from_keys(OLD), Vault.from_keys(f"{NEW},{OLD}"), Vault.from_keys(NEW)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SIGN_UP = UserSignedUp("acme", "Acme", {"plan": "pro"}, {"token": "s3cret"}, id="1")
CHANGE = ConfigChanged("acme", "slack", "eu", {"password": "s3cret", "at": 1.5}, [{"id": "sync"}], id="2")


def publish(engine: Engine, vault: Vault, *events: Event) -> list[bool]:
    with engine.begin() as connection:
        return [receipt.is_new for receipt in publish_with(vault, events, connection)]


def add_sealed(engine: Engine, id_: str, token: str) -> None:
    """Insert a change as an older release or a stranger stored it."""
    event = {"type": "config_changed", "linked_account_id": "acme", "slug": "slack"}
    add(engine, tables.events, {"id": id_, **event, "payload": {"sealed": token}})


def of_older_release(key: str) -> str:
    return Fernet(key).encrypt(json.dumps({"fields": {"password": "s3cret"}}).encode()).decode()


def rotate(engine: Engine, vault: Vault = ROTATING, *, batch: int = 2, **more: Any) -> Rotated:
    return Rotation(engine=engine, vault=vault, batch=batch, **more).run()


def stored(engine: Engine) -> dict[str, LoggedEvent]:
    with engine.begin() as connection:
        rows = connection.execute(select(*EVENT_COLUMNS)).mappings()
        return {row["id"]: LoggedEvent.from_columns(row) for row in rows}


def read(engine: Engine, vault: Vault) -> dict[str, Any]:
    """Every event as a worker with these keys reads it."""
    return {id_: read_entry(row, vault).event.payload() for id_, row in stored(engine).items()}


def counts(report: KeyReport) -> list[tuple[int, int]]:
    return [(key.named, key.tried) for key in report.keys]


def test_after_a_rotation_the_old_key_seals_nothing_and_is_not_needed(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP, CHANGE, UserSignedUp("open", "Nothing is secret", id="3"))
    publish(engine, ROTATING, ConfigChanged("acme", "slack", fields={"new": 1}, id="4"))
    add_sealed(engine, "5", of_older_release(OLD))
    add_sealed(engine, "6", of_older_release(NEW))
    before = read(engine, ROTATING)
    assert counts(examine_keys(engine, ROTATING)) == [(1, 1), (2, 1)]

    assert rotate(engine) == Rotated(resealed=4)

    assert counts(examine_keys(engine, ROTATING)) == [(5, 0), (0, 0)]
    assert read(engine, AFTER) == before
    assert before["1"] == SIGN_UP.payload()
    assert publish(engine, AFTER, SIGN_UP, CHANGE) == [False, False]  # the same again is known without the old key
    assert rotate(engine) == Rotated()


def test_what_no_key_opens_is_counted_and_left_as_it_is(engine: Engine) -> None:
    publish(engine, Vault.from_keys(LOST), SIGN_UP)
    add_sealed(engine, "2", of_older_release(LOST))
    add_sealed(engine, "3", "nonsense")
    publish(engine, BEFORE, UserSignedUp("bob", auth_credentials={"token": "t"}, id="4"))
    before = stored(engine)

    assert rotate(engine) == Rotated(resealed=1, unopened=3)
    report = examine_keys(engine, ROTATING)

    assert (counts(report), report.lost) == ([(1, 0), (0, 0)], 3)
    assert report.unknown == {Vault.from_keys(LOST).key_fingerprints()[0]: 1}
    assert report.unopened == 2
    after = stored(engine)
    assert [after[id_].payload for id_ in "123"] == [before[id_].payload for id_ in "123"]
    assert examine_keys(engine, Vault(())).lost == 4


def test_a_key_that_is_listed_twice_counts_once_and_of_many_old_values_some_are_tried(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP)
    for number in range(3):
        add_sealed(engine, f"old {number}", of_older_release(OLD))

    report = examine_keys(engine, Vault.from_keys(f"{OLD},{OLD}"), most_tried=2)

    assert [(key.named, key.tried, key.same_as) for key in report.keys] == [(1, 2, None), (0, 0, 1)]
    assert (report.untried, report.lost) == (1, 0)


def test_a_sign_up_whose_credentials_are_deleted_is_known_by_its_old_key_alone(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP)
    finish(engine)
    rotate(engine)

    assert publish(engine, ROTATING, SIGN_UP) == [False]
    with pytest.raises(IdConflict):
        publish(engine, AFTER, SIGN_UP)


# --- beside others ----------------------------------------------------------------------------------------------------


def finish(engine: Engine) -> None:
    """What a worker does when Cobalt has the credentials."""
    with engine.begin() as connection:
        record_outcomes(connection, [done(stored_in(connection), at=NOW)])


def stored_in(connection: Any) -> LoggedEvent:
    return LoggedEvent.from_columns(connection.execute(select(*EVENT_COLUMNS)).mappings().one())


def erase(engine: Engine) -> None:
    with engine.begin() as connection:
        erase_events(connection, [("host", "1")], at=NOW, vault=ROTATING)


def prune(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(tables.events))


def reseal(engine: Engine) -> None:
    assert rotate(engine) == Rotated(resealed=1)


def retry(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(tables.events).values(attempts=5, due_at=NOW))


@pytest.mark.parametrize(
    ("meanwhile", "is_written"),
    [(finish, 0), (erase, 0), (prune, 0), (reseal, 0), (retry, 1)],
)
def test_what_changes_between_the_read_and_the_write_is_not_written_over(
    engine: Engine, meanwhile: Callable[[Engine], None], is_written: int
) -> None:
    publish(engine, BEFORE, SIGN_UP)
    with engine.begin() as connection:
        (event,) = read_not_sealed_by(connection, ROTATING.key_fingerprints()[0], after=None, limit=9).events
    replacement = replacement_for(event, ROTATING)
    meanwhile(engine)
    changed = stored(engine)

    with engine.begin() as connection:
        assert replace(connection, [replacement]) == is_written

    if is_written:
        assert stored(engine)["1"].attempts == 5
        assert read(engine, AFTER) == {"1": SIGN_UP.payload()}
    else:
        assert stored(engine) == changed


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_row_in_use_is_passed_over_and_looked_at_again(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP)
    with engine.connect() as connection:
        connection.execute(select(tables.events).with_for_update())
        assert rotate(engine, show=lambda _rotated: connection.rollback()) == Rotated(resealed=1)


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_row_that_stays_in_use_waits_for_the_next_run(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP, CHANGE)

    with engine.begin() as connection:
        connection.execute(select(tables.events).where(tables.events.c.id == "1").with_for_update())
        assert rotate(engine) == Rotated(resealed=1, in_use=1)
    assert rotate(engine) == Rotated(resealed=1)


def test_a_run_that_dies_between_two_batches_loses_nothing_and_the_next_one_goes_on(engine: Engine) -> None:
    events = [ConfigChanged("acme", "slack", fields={"password": number}, id=str(number)) for number in range(5)]
    publish(engine, BEFORE, *events)
    batches = 0

    def die(_rotated: Rotated) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise SystemExit

    with pytest.raises(SystemExit):
        rotate(engine, show=die)

    assert counts(examine_keys(engine, ROTATING)) == [(4, 0), (1, 0)]
    assert read(engine, ROTATING) == {event.id: event.payload() for event in events}
    assert rotate(engine) == Rotated(resealed=1)
    assert read(engine, AFTER) == {event.id: event.payload() for event in events}


def test_a_stop_ends_it_after_the_batch_in_progress(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP, CHANGE)
    stop = Stop()

    assert rotate(engine, batch=1, stop=stop, show=lambda _rotated: stop.set()) == Rotated(resealed=1)


# --- where anything is sealed -----------------------------------------------------------------------------------------


def test_nothing_else_is_sealed_than_what_a_rotation_seals_anew(engine: Engine) -> None:
    publish(engine, BEFORE, SIGN_UP, CHANGE)
    rotate(engine)

    where = {
        (table.name, column)
        for table in tables.metadata.sorted_tables
        for column, value in values(engine, table)
        if any(find_fingerprint(word) for word in json.dumps(value, default=str).split('"'))
    }

    assert where == set(SEALED.items())
    with pytest.raises(CannotUnseal):
        read(engine, BEFORE)


def values(engine: Engine, table: Any) -> list[tuple[str, Any]]:
    with engine.begin() as connection:
        rows = connection.execute(select(table)).mappings().all()
    return [(str(column), value) for row in rows for column, value in row.items()]
