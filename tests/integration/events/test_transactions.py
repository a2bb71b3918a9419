"""An event exists exactly if the host's own change does, whatever the host's transaction is."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

from cobalt_mirror.events import ConnectionAuthorized, IdConflict, InvalidEvent, UserSignedUp, publish, publish_many
from tests.integration.events.rows import Log


class Base(DeclarativeBase):
    pass


class User(Base):
    """The host's own table."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture(autouse=True)
def _host_has_a_table_of_its_own(host: Engine) -> Iterator[None]:
    Base.metadata.create_all(host)
    yield
    Base.metadata.drop_all(host)


def users(host: Engine) -> int:
    with host.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM users")).scalar_one())


def test_in_a_session_the_event_commits_with_the_host_s_change(host: Engine, log: Log) -> None:
    with Session(host) as session, session.begin():
        session.add(User(id="acme"))
        receipt = publish(UserSignedUp("acme", "Acme", {"plan": "pro"}, id="1", source="shop"), session)
        assert log.rows() == []

    assert (receipt.source, receipt.id, receipt.is_new) == ("shop", "1", True)
    row = log.row()
    assert (row["source"], row["id"], row["type"], row["linked_account_id"]) == ("shop", "1", "user_signed_up", "acme")
    assert (row["slug"], row["payload"], row["status"]) == (None, {"name": "Acme", "udf": {"plan": "pro"}}, "pending")
    assert users(host) == 1


def test_in_a_session_the_event_is_rolled_back_with_the_host_s_change(host: Engine, log: Log) -> None:
    with Session(host) as session:
        session.add(User(id="acme"))
        publish(UserSignedUp("acme"), session)
        publish_many([ConnectionAuthorized("acme", "slack"), ConnectionAuthorized("acme", "hubspot")], session)
        session.rollback()

    assert (log.rows(), users(host)) == ([], 0)


def test_a_savepoint_takes_its_event_along(host: Engine, log: Log) -> None:
    with Session(host) as session, session.begin():
        session.add(User(id="acme"))
        session.flush()
        publish(UserSignedUp("acme", id="1"), session)
        inner = session.begin_nested()
        publish(ConnectionAuthorized("acme", "slack", id="2"), session)
        inner.rollback()

    assert (log.ids(), users(host)) == (["1"], 1)


def test_a_scoped_session_is_a_session_too(host: Engine, log: Log) -> None:
    session = scoped_session(sessionmaker(host))
    publish(UserSignedUp("acme", id="1"), session)
    session.rollback()
    publish(UserSignedUp("acme", id="2"), session)
    session.commit()
    session.remove()

    assert log.ids() == ["2"]


def test_in_a_connection(host: Engine, log: Log) -> None:
    with host.begin() as connection:
        publish(UserSignedUp("acme", id="1"), connection)
    with host.connect() as connection:
        publish(UserSignedUp("acme", id="2"), connection)
        connection.rollback()

    assert log.ids() == ["1"]


def test_a_host_s_own_translation_of_schemas_stays_its_own(migrated_url: str, log: Log) -> None:
    engine = create_engine(migrated_url, execution_options={"schema_translate_map": {None: "elsewhere"}})
    with engine.begin() as connection:
        publish(UserSignedUp("acme", id="1"), connection)
        assert connection.get_execution_options()["schema_translate_map"] == {None: "elsewhere"}
    engine.dispose()

    assert log.ids() == ["1"]


def test_in_an_async_session(postgres_migrated_url: str) -> None:
    async def act() -> list[Any]:
        engine = create_async_engine(postgres_migrated_url)
        async with AsyncSession(engine) as session, session.begin():
            await session.run_sync(lambda inner: publish(UserSignedUp("acme", id="1"), inner))
        async with AsyncSession(engine) as session:
            await session.run_sync(
                lambda inner: publish_many([UserSignedUp("acme", id="2"), UserSignedUp("acme", id="3")], inner)
            )
            await session.rollback()
        async with engine.connect() as connection:
            ids = (await connection.execute(text("SELECT id FROM cobalt_mirror.events"))).scalars().all()
        await engine.dispose()
        return list(ids)

    assert asyncio.run(act()) == ["1"]


def test_what_is_no_transaction_is_refused_with_the_way_to_one(host: Engine, log: Log) -> None:
    with pytest.raises(TypeError, match="not Engine"):
        publish(UserSignedUp("acme"), host)  # type: ignore[arg-type]
    engine = create_async_engine("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(TypeError, match=r"not AsyncSession; .*_async"):
        publish(UserSignedUp("acme"), AsyncSession(engine))  # type: ignore[arg-type]

    assert log.rows() == []


def test_receipts_come_in_the_order_of_the_events_also_of_a_thousand(host: Engine, log: Log) -> None:
    events = [UserSignedUp(f"account {number}", id=f"{(number * 7919) % 1009:04}") for number in range(1000)]
    with host.begin() as connection:
        publish(events[500], connection)

        receipts = publish_many(events, connection)

        again = publish_many(reversed(events), connection)

    assert [receipt.id for receipt in receipts] == [event.id for event in events]
    assert [receipt.is_new for receipt in receipts] == [number != 500 for number in range(1000)]
    assert [receipt.id for receipt in again] == [event.id for event in reversed(events)]
    assert not any(receipt.is_new for receipt in again)
    assert log.ids() == sorted(event.id for event in events)


def test_an_event_twice_among_many_is_new_once(host: Engine, log: Log) -> None:
    event = UserSignedUp("acme", id="1")
    with host.begin() as connection:
        receipts = publish_many([event, UserSignedUp("acme", id="2"), event], connection)

    assert [(receipt.id, receipt.is_new) for receipt in receipts] == [("1", True), ("2", True), ("1", False)]
    assert log.ids() == ["1", "2"]


def test_none_of_no_events(host: Engine, log: Log) -> None:
    with host.begin() as connection:
        assert publish_many([], connection) == []

    assert log.rows() == []


def test_many_are_all_or_nothing(host: Engine, log: Log) -> None:
    good = [UserSignedUp("acme", id=str(number)) for number in range(3)]
    too_large = UserSignedUp("acme", udf={"note": "x" * 256 * 1024}, id="large")
    with host.begin() as connection:
        publish(UserSignedUp("acme", "one thing", id="taken"), connection)

    with pytest.raises(IdConflict, match="'taken'"), host.begin() as connection:
        publish_many([*good, UserSignedUp("acme", "another", id="taken")], connection)
    with pytest.raises(IdConflict, match="'1'"), host.begin() as connection:
        publish_many([*good, UserSignedUp("acme", "another", id="1")], connection)
    with (
        host.begin() as connection,
        pytest.raises(InvalidEvent, match=r"^payload: must be at most 262144 .* not 262\d{3}"),
    ):
        publish_many([*good, too_large], connection)

    assert log.ids() == ["taken"]


@pytest.mark.parametrize("character", ["x", "☕", "\\"])
def test_the_largest_payload_is_taken(host: Engine, log: Log, character: str) -> None:
    around = len('{"udf": {"note": ""}}')
    size = len(character.replace("\\", "\\\\").encode())
    note = character * ((256 * 1024 - around) // size)
    with host.begin() as connection:
        publish(UserSignedUp("acme", udf={"note": note}), connection)
        with pytest.raises(InvalidEvent, match=r"^payload: "):
            publish(UserSignedUp("acme", udf={"note": note + character}), connection)

    assert log.row()["payload"] == {"udf": {"note": note}}


@pytest.mark.parametrize("text_", ["über/ straße@☕", "%s {} :name ;--", "'; DROP TABLE events; --", "🙂" * 200])
def test_any_printable_text_is_stored_as_it_is(host: Engine, log: Log, text_: str) -> None:
    with host.begin() as connection:
        receipt = publish(UserSignedUp(text_, text_, {text_: text_}, id=text_, source=text_), connection)
        assert receipt.is_new
        assert not publish(UserSignedUp(text_, text_, {text_: text_}, id=text_, source=text_), connection).is_new

    row = log.row()
    assert [row["linked_account_id"], row["source"], row["id"]] == [text_] * 3
    assert row["payload"] == {"name": text_, "udf": {text_: text_}}
