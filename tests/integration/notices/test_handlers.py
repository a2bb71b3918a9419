"""Handlers: called after the commit, in a transaction of their own, and again if they fail."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import Connection, Engine, insert, text
from structlog.testing import capture_logs

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.notices import begin_attempt, end_attempt, take_due
from cobalt_mirror.db.receivers import list_receivers
from cobalt_mirror.db.statuses import ChangeType, NoticeStatus, ReceiverKind
from cobalt_mirror.db.tables import notices
from cobalt_mirror.workers.notices.notice import Notice
from tests.integration.notices.host import Host
from tests.world import World

FAILURE, RECOVERY = ChangeType.CONNECTION_REAUTH_REQUIRED, ChangeType.CONNECTION_RECOVERED


@pytest.fixture
def host(world: World) -> Host:
    """A host with a table of its own, whose customer has connected slack."""
    with world.engine.begin() as connection:
        connection.execute(text("CREATE TABLE mails (notice text, account text)"))
    host = Host(world)
    host.calls(mail, FAILURE, RECOVERY)
    host.signs_up(email="ann@acme.test")
    host.connects()
    return host


def mail(notice: Notice, connection: Connection) -> None:
    assert notice.account is not None
    words = {"notice": f"{notice.type} {notice.account.udf}", "account": notice.account.id}
    connection.execute(text("INSERT INTO mails VALUES (:notice, :account)"), words)


def mails(engine: Engine) -> list[str]:
    with reading(engine).begin() as connection:
        return list(connection.execute(text("SELECT notice FROM mails")).scalars())


def test_it_is_called_for_what_lasted_and_what_it_writes_is_kept(host: Host) -> None:
    host.fails()
    host.after(minutes=5)
    assert mails(host.world.engine) == []
    host.after(minutes=5)
    host.recovers()

    assert mails(host.world.engine) == [
        "connection.reauth_required {'email': 'ann@acme.test'}",
        "connection.recovered {'email': 'ann@acme.test'}",
    ]
    assert {row["status"] for row in host.world.rows("notices")} == {"delivered"}


def _cancel(_: Connection) -> None:
    raise asyncio.CancelledError


def _interrupt(_: Connection) -> None:
    raise KeyboardInterrupt


class _Later:
    """Something that nobody awaits."""

    def __await__(self) -> Iterator[None]:
        yield


def _wait(_: Connection) -> _Later:
    return _Later()


def failing(times: int, seen: list[Notice]) -> Callable[[Notice, Connection], None]:
    """A handler that fails so many times, after it has written."""

    def handle(notice: Notice, connection: Connection) -> None:
        mail(notice, connection)
        seen.append(notice)
        if len(seen) <= times:
            raise LookupError(f"no mail server for {notice.account}\nnor any other")

    return handle


def test_what_a_handler_that_raises_wrote_is_rolled_back_and_it_is_called_again(host: Host) -> None:
    seen: list[Notice] = []
    host.calls(failing(2, seen), ChangeType.ACCOUNT_RENAMED)
    structlog.reset_defaults()
    with capture_logs() as logs:
        host.signs_up("Acme Inc")

    assert mails(host.world.engine) == []
    (failed,) = [line for line in logs if line["event"] == "handler_failed"]
    assert (failed["handler"], failed["error"].count("\n")) == ("app.told", 0)
    assert failed["error"].startswith("LookupError: no mail server for Account(")
    with reading(host.world.engine).begin() as connection:
        (state,) = list_receivers(connection)
    assert (state.kind, state.begun, state.detail) == (ReceiverKind.HANDLER, 1, "it raised LookupError")
    assert host.next_due() == timedelta(seconds=5)
    host.after(seconds=5)
    assert host.next_due() == timedelta(minutes=5)
    host.after(minutes=5)
    assert len(mails(host.world.engine)) == 1
    assert len({notice.id for notice in seen}) == 1
    assert "Acme" not in str(host.world.rows("notices"))


@pytest.mark.parametrize(
    ("misbehave", "detail"),
    [
        (Connection.commit, "it raised TransactionEnded"),
        (Connection.rollback, "it raised TransactionEnded"),
        (Connection.close, "it raised TransactionEnded"),
        (_cancel, "it raised CancelledError"),
        (_interrupt, "it raised KeyboardInterrupt"),
        (_wait, "it returned something to await, and nobody awaits it"),
    ],
)
def test_a_handler_that_misbehaves_is_called_again_and_the_next_notice_is_taken(
    host: Host, misbehave: Callable[[Connection], object], detail: str
) -> None:
    def handle(notice: Notice, connection: Connection) -> object:
        if notice.data["to"] == "Poison":
            return misbehave(connection)
        mail(notice, connection)
        return None

    host.calls(handle, ChangeType.ACCOUNT_RENAMED)
    host.signs_up("Poison")
    host.signs_up("Acme Inc")

    assert len(mails(host.world.engine)) == 1
    assert [(row["status"], row["detail"]) for row in host.world.rows("notices")] == [
        ("pending", detail),
        ("delivered", None),
    ]


def test_an_entry_at_which_it_fails_holds_up_no_other(host: Host) -> None:
    def handle(notice: Notice, connection: Connection) -> None:
        if notice.data["to"] == "Poison":
            raise LookupError
        mail(notice, connection)

    host.calls(handle, ChangeType.ACCOUNT_RENAMED)
    host.signs_up("Poison")
    host.signs_up("Acme Inc")

    assert len(mails(host.world.engine)) == 1
    assert [row["status"] for row in host.world.rows("notices")] == ["pending", "delivered"]


def test_of_two_that_have_the_same_notice_one_commits(host: Host) -> None:
    """The first one took longer than its lease."""

    def handle(notice: Notice, connection: Connection) -> None:
        if not overtaken:
            overtaken.append(notice)
            host.world.clock.pass_time(host.follower.receiver.lease_seconds)
            assert other.step()
        mail(notice, connection)

    overtaken: list[Notice] = []
    host.calls(handle, ChangeType.ACCOUNT_RENAMED)
    other = host.another(host.follower.receiver)
    host.signs_up("Acme Inc")

    assert len(mails(host.world.engine)) == 1
    assert host.world.row("notices")["attempts"] == 2


def test_what_another_process_has_begun_since_is_not_begun_or_ended_here(host: Host) -> None:
    host.calls(mail, ChangeType.ACCOUNT_RENAMED)
    engine, now = host.world.engine, host.world.clock()
    with engine.begin() as connection:
        entry = {"position": 10**6, "id": "msg_1", "type": ChangeType.ACCOUNT_RENAMED, "recorded_at": now}
        connection.execute(insert(notices).values(receiver="app.told", status="pending", due_at=now, **entry))

    taken = []
    for until in (now, now + timedelta(seconds=1)):  # the first one's time is over when the second one takes it
        with engine.begin() as connection:
            taken.append(take_due(connection, "app.told", now=now, until=until))
    first, second = taken
    assert first is not None
    assert first == second
    with engine.begin() as connection:
        assert take_due(connection, "app.told", now=now, until=now) is None
        assert begin_attempt(connection, first, at=now)
        assert not begin_attempt(connection, first, at=now)
        assert begin_attempt(connection, replace(first, attempts=1), at=now)
        assert not end_attempt(connection, first, NoticeStatus.FAILED, at=now)
        assert end_attempt(connection, replace(first, attempts=1), NoticeStatus.DELIVERED, at=now)
        assert not end_attempt(connection, replace(first, attempts=1), NoticeStatus.FAILED, at=now)


def test_a_new_receiver_gets_what_happens_from_then_on(host: Host) -> None:
    seen: list[Notice] = []
    host.signs_up("Before")
    host.calls(failing(0, seen), ChangeType.ACCOUNT_RENAMED, name="app.new")
    host.signs_up("After")

    assert [notice.data["to"] for notice in seen] == ["After"]
