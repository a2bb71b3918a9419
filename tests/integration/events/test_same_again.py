"""The same event twice is once; something else under its id is an error; two at once settle it between them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    Event,
    IdConflict,
    Receipt,
    UserSignedUp,
    publish,
    publish_many,
)
from cobalt_mirror.events.publish import publish_with
from tests.integration.events.rows import Log
from tests.waiting import wait_until
from tests.world import World

ONE: dict[str, Any] = {"id": "1", "source": "shop"}
SIGN_UP = UserSignedUp("acme", "Acme", {"b": "2", "a": "1"}, {"token": "t"}, **ONE)
CHANGE = ConfigChanged("acme", "slack", None, {"a": [1, {"b": None}]}, [{"id": "w", "enabled": True}], **ONE)
OTHERS: list[Event] = [
    UserSignedUp("other", "Acme", {"b": "2", "a": "1"}, {"token": "t"}, **ONE),
    UserSignedUp("acme", "Other", {"b": "2", "a": "1"}, {"token": "t"}, **ONE),
    UserSignedUp("acme", None, {"b": "2", "a": "1"}, {"token": "t"}, **ONE),
    UserSignedUp("acme", "Acme", {"a": "1"}, {"token": "t"}, **ONE),
    UserSignedUp("acme", "Acme", {"b": "2", "a": "1"}, {"token": "other"}, **ONE),
    UserSignedUp("acme", "Acme", {"b": "2", "a": "1"}, **ONE),
    CHANGE,
    ConfigChanged("acme", "slack", "eu", {"a": [1, {"b": None}]}, [{"id": "w", "enabled": True}], **ONE),
    ConfigChanged("acme", "slack", None, {"a": [1, {"b": 0}]}, [{"id": "w", "enabled": True}], **ONE),
    ConfigChanged("acme", "slack", None, {"a": [1, {"b": None}]}, [{"id": "w", "enabled": False}], **ONE),
    ConnectionAuthorized("acme", "slack", **ONE),
    ConnectionAuthorized("acme", "slack", "oauth2", **ONE),
    ConnectionAuthorized("acme", "slack", connection_id="c1", **ONE),
    ConnectionAuthorized("acme", "slack", connection_id="c2", **ONE),
    ConnectionAuthorized("acme", "hubspot", **ONE),
]


def give(settings: DatabaseSettings, host: Engine, *events: Event) -> list[Receipt]:
    with host.begin() as connection:
        return publish_with(settings.vault(), events, connection)


@pytest.mark.parametrize("event", [SIGN_UP, CHANGE], ids=["sign-up", "change"])
def test_the_same_again_is_a_no_op_that_says_so(
    settings: DatabaseSettings, host: Engine, log: Log, event: Event
) -> None:
    assert give(settings, host, event) == [Receipt(source="shop", id="1", is_new=True)]
    before = log.rows()

    assert give(settings, host, event) == [Receipt(source="shop", id="1", is_new=False)]
    assert give(settings, host, event, event) == [Receipt(source="shop", id="1", is_new=False)] * 2

    assert log.rows() == before


def test_a_retry_that_says_a_later_time_is_the_same(settings: DatabaseSettings, host: Engine, log: Log) -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    give(settings, host, UserSignedUp("acme", occurred_at=moment, **ONE))

    (receipt,) = give(settings, host, UserSignedUp("acme", occurred_at=moment + timedelta(seconds=9), **ONE))

    assert not receipt.is_new
    assert log.row()["occurred_at"] == moment


def test_the_same_id_of_another_source_is_another_event(settings: DatabaseSettings, host: Engine, log: Log) -> None:
    events = [UserSignedUp("acme", id="1", source=source) for source in ("shop", "Shop", "billing")]

    assert [receipt.is_new for receipt in give(settings, host, *events)] == [True] * 3
    assert len(log.rows()) == 3


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("first", [SIGN_UP, CHANGE], ids=["sign-up", "change"])
def test_something_else_under_the_same_id_is_an_error(
    settings: DatabaseSettings, host: Engine, log: Log, first: Event, other: Event
) -> None:
    if first is other:
        return
    give(settings, host, first)
    before = log.rows()

    with pytest.raises(IdConflict, match=r"^id: the event log has a different event with id '1' of source 'shop'"):
        give(settings, host, other)

    assert log.rows() == before


@pytest.mark.parametrize("values", [(1, True), (0, False), (1, 1.0), ([1], [True])])
@pytest.mark.parametrize("has_keys", [True, False])
def test_a_value_that_python_calls_equal_is_something_else(
    settings: DatabaseSettings, keyless: DatabaseSettings, host: Engine, has_keys: bool, values: tuple[Any, Any]
) -> None:
    its, (value, other) = settings if has_keys else keyless, values
    give(its, host, ConfigChanged("acme", "slack", fields={"a": value}, **ONE))

    with pytest.raises(IdConflict):
        give(its, host, ConfigChanged("acme", "slack", fields={"a": other}, **ONE))


def test_credentials_tell_events_apart_also_after_they_were_wiped(make_world: Callable[..., World]) -> None:
    world = make_world()
    assert world.publish(SIGN_UP)[0].is_new
    world.work_until_quiet()
    row = world.event(SIGN_UP)
    assert row["status"] == "done"
    assert "sealed" not in row["payload"]

    assert not world.publish(SIGN_UP)[0].is_new
    with pytest.raises(IdConflict):
        world.publish(UserSignedUp("acme", "Acme", {"b": "2", "a": "1"}, {"token": "other"}, **ONE))

    assert world.event(SIGN_UP) == row


@pytest.mark.parametrize("event", [SIGN_UP, CHANGE], ids=["sign-up", "change"])
def test_a_rotated_key_still_tells_what_is_the_same(
    migrated_url: str, settings: DatabaseSettings, host: Engine, log: Log, event: Event
) -> None:
    give(settings, host, event)
    old = settings.mirror_secret_keys.get_secret_value()
    rotated = DatabaseSettings(database_url=migrated_url, mirror_secret_keys=f"{Fernet.generate_key().decode()},{old}")

    assert not give(rotated, host, event)[0].is_new
    for other in OTHERS:
        if other != event:
            with pytest.raises(IdConflict):
                give(rotated, host, other)

    assert len(log.rows()) == 1


def test_a_config_change_from_before_there_were_keys_is_still_the_same(
    settings: DatabaseSettings, keyless: DatabaseSettings, host: Engine
) -> None:
    give(keyless, host, CHANGE)

    assert not give(settings, host, CHANGE)[0].is_new
    with pytest.raises(IdConflict):
        give(settings, host, ConfigChanged("acme", "slack", **ONE))


@pytest.mark.parametrize("has_keys", [True, False])
def test_a_row_that_was_inserted_by_hand_is_the_same_as_the_event(
    settings: DatabaseSettings, keyless: DatabaseSettings, host: Engine, log: Log, has_keys: bool
) -> None:
    where = "" if log.schema is None else f"{log.schema}."
    with host.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {where}events (source, id, type, linked_account_id, slug, payload) VALUES "
                """('shop', '1', 'config_changed', 'acme', 'slack',
                 '{"workflows": [{"enabled": true, "id": "w"}], "fields": {"a": [1, {"b": null}]}}')""".replace(
                    ": true", "\\: true"
                ).replace(": null", "\\: null")
            )
        )
    using = settings if has_keys else keyless

    assert not give(using, host, CHANGE)[0].is_new
    with pytest.raises(IdConflict):
        give(using, host, ConfigChanged("acme", "slack", fields={"a": [1, {"b": 0}]}, **ONE))


# --- two at once, on PostgreSQL ---------------------------------------------------------------------------------------

A, B = UserSignedUp("acme", id="a"), UserSignedUp("acme", id="b")


def is_waiting(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def in_own_transaction(host: Engine, *events: Event) -> list[bool]:
    with host.begin() as connection:
        return [receipt.is_new for receipt in publish_many(events, connection)]


def test_open_transactions_with_different_events_do_not_wait_for_one_another(make_host: Callable[..., Engine]) -> None:
    host = make_host(connect_args={"options": "-c lock_timeout=1"})  # a millisecond is too long
    with host.begin() as one, host.begin() as other:
        publish(A, one)
        publish(B, other)
        publish_many([UserSignedUp("acme", id=f"a{number}") for number in range(100)], one)
        publish_many([UserSignedUp("acme", id=f"b{number}") for number in range(100)], other)


@pytest.mark.parametrize("commits", [True, False])
def test_the_same_event_in_two_open_transactions_is_new_in_exactly_one(
    make_host: Callable[..., Engine], commits: bool
) -> None:
    host = make_host()
    with ThreadPoolExecutor(1) as pool, host.connect() as first, host.connect() as observer:
        assert publish(A, first).is_new
        second = pool.submit(in_own_transaction, host, A)
        wait_until(lambda: is_waiting(observer))
        if commits:
            first.commit()
        else:
            first.rollback()
        assert second.result() == [not commits]


def test_something_else_in_another_open_transaction_is_an_error_once_that_commits(
    make_host: Callable[..., Engine],
) -> None:
    host = make_host()
    with ThreadPoolExecutor(1) as pool, host.connect() as first, host.connect() as observer:
        publish(A, first)
        second = pool.submit(in_own_transaction, host, B, UserSignedUp("acme", "Other", id="a"))
        wait_until(lambda: is_waiting(observer))
        first.commit()
        with pytest.raises(IdConflict):
            second.result()
        assert observer.execute(text("SELECT id FROM cobalt_mirror.events")).scalars().all() == ["a"]


def test_the_same_events_in_another_order_wait_but_never_for_each_other(make_host: Callable[..., Engine]) -> None:
    host = make_host()
    with ThreadPoolExecutor(1) as pool, host.connect() as first, host.connect() as observer:
        publish(A, first)
        second = pool.submit(in_own_transaction, host, B, A)
        wait_until(lambda: is_waiting(observer))
        first.execute(text("SET LOCAL lock_timeout = 1"))
        assert publish(B, first).is_new  # the other one waits for `a` and does not hold `b` meanwhile
        first.commit()
        assert second.result() == [False, False]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_strict_transaction_that_began_before_the_same_event_is_told_to_start_again(
    make_host: Callable[..., Engine], level: str
) -> None:
    host = make_host(isolation_level=level)
    with host.connect() as early:
        early.execute(text("SELECT 1 FROM cobalt_mirror.events"))
        assert in_own_transaction(host, A) == [True]
        with pytest.raises(OperationalError, match="could not serialize access"):
            publish(A, early)

    assert in_own_transaction(host, A) == [False]
    with pytest.raises(IdConflict):
        in_own_transaction(host, UserSignedUp("acme", "Other", id="a"))
