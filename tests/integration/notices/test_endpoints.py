"""Notices to an endpoint: signed, settled, tried again, and never to where they must not go."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from cobalt_mirror.db.gauges import read_gauges
from cobalt_mirror.db.receivers import enable_receiver, list_receivers
from cobalt_mirror.db.state import Halt, end_halt, record_halt
from cobalt_mirror.events import UserDeleted
from cobalt_mirror.workers.notices.notice import Notice
from cobalt_mirror.workers.notices.receivers import Finish, Receiver
from cobalt_mirror.workers.notices.schedule import Answer
from cobalt_mirror.workers.reconnect import read_token
from tests.integration.notices.host import Host
from tests.integration.notices.receiver import OTHER_SECRET, SECRET, Server


def test_an_expired_connection_is_told_once_and_signed_and_then_that_it_works_again(host: Host, server: Server) -> None:
    host.fails()
    failed_at = host.world.rows("changes", type="connection.reauth_required")[0]["recorded_at"]
    host.after(minutes=9, seconds=59)
    assert server.received == []

    host.after(seconds=2)
    host.after(hours=30)
    (received,) = server.received
    message = received.verified()
    since = datetime.fromisoformat(message["data"].pop("since"))
    assert (message["type"], message["id"]) == ("connection.reauth_required", received.id)
    assert since == datetime.fromisoformat(message["timestamp"]) == failed_at
    assert message["data"].pop("position") > 0
    link = read_token(host.world.settings, message["data"].pop("reconnect_url").rpartition("/")[2])
    assert message["data"] == {
        "account": {"id": "acme", "name": "Acme", "udf": {"plan": "pro", "email": "ann@acme.test"}},
        "slug": "slack",
        "connection_id": None,
        "config_id": None,
        "reason": None,
    }
    assert link is not None
    assert (link.linked_account_id, link.slug) == ("acme", "slack")
    with pytest.raises(WebhookVerificationError):
        received.verified(OTHER_SECRET)
    server.received.clear()

    host.recovers()
    host.recovers()
    assert [message["type"] for message in server.take()] == ["connection.recovered"]


def test_five_flaps_in_ten_minutes_are_not_told_and_the_one_that_lasts_is(host: Host, server: Server) -> None:
    for _ in range(5):
        host.fails()
        host.after(minutes=1)
        host.recovers()
        host.after(minutes=1)
    host.after(hours=1)

    assert server.received == []
    assert Counter(row["status"] for row in host.world.rows("notices")) == {"skipped": 10}
    host.fails()
    host.after(minutes=1)
    host.recovers()
    host.after(minutes=8)
    host.fails()
    host.after(minutes=9)
    assert server.received == []
    host.after(minutes=2)
    assert [message["type"] for message in server.take()] == ["connection.reauth_required"]


def test_a_failure_that_began_anew_a_moment_ago_has_not_lasted(host: Host, server: Server) -> None:
    """The change feed does not show it yet."""
    host.fails()
    host.world.clock.pass_time(600)
    host.world.sandbox.connect("acme", "slack")
    host.is_read_again()
    host.world.sandbox.expire_connection("acme", "slack")
    host.is_read_again()

    assert host.follower.step()
    assert server.received == []
    host.after(minutes=10)
    assert [message["type"] for message in server.take()] == ["connection.reauth_required"]


def test_what_ends_while_the_server_is_down_is_not_told_afterwards(host: Host, server: Server) -> None:
    host.fails()
    server.answer(503)
    host.after(minutes=11)
    host.recovers()
    host.after(hours=1)

    assert [received.verified()["type"] for received in server.received] == ["connection.reauth_required"]
    assert {row["status"] for row in host.world.rows("notices")} == {"skipped"}


def test_a_halt_and_its_end_are_told_at_once(host: Host, server: Server) -> None:
    world = host.world
    halt = Halt(reason="the key is refused", since=world.clock(), probe_at=world.clock() + timedelta(minutes=1))
    with world.engine.begin() as connection:
        record_halt(connection, halt)
    host.tell()
    with world.engine.begin() as connection:
        end_halt(connection, at=world.clock())
    host.tell()

    told = [(each["type"], each["data"]["account"], each["data"]["reason"]) for each in server.take()]
    assert told == [("work.halted", None, "the key is refused"), ("work.resumed", None, "the key is refused")]


def test_one_entry_that_is_refused_holds_up_no_other_and_keeps_its_id(host: Host, server: Server) -> None:
    host.sends_to(f"{server.url}/notices", types="*")
    server.answer(500)
    host.signs_up("Acme Inc")
    assert host.next_due() == timedelta(seconds=5)
    host.signs_up("Acme Ltd")
    refused, taken = server.received
    assert refused.id != taken.id

    host.after(seconds=6)
    assert server.received[2].id == refused.id
    rows = host.world.rows("notices", type="account.renamed")
    assert [(row["status"], row["attempts"], row["detail"]) for row in rows] == [
        ("delivered", 2, None),
        ("delivered", 1, None),
    ]


def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_can_be_enabled(
    host: Host, server: Server
) -> None:
    host.fails()
    host.after(minutes=10)
    server.take()
    for _ in range(10):
        server.answer(500)
    host.sends_to(f"{server.url}/notices", types="event.dead account.renamed")
    began = host.world.clock()
    host.signs_up("Acme Inc")
    while host.world.rows("notices", status="pending"):
        host.after(seconds=host.next_due().total_seconds() + 0.001)

    assert len({received.id for received in server.received}) == 1
    assert len(server.received) == 10
    assert timedelta(hours=75) < host.world.clock() - began < timedelta(hours=77)
    server.received.clear()
    host.signs_up("Acme Ltd")
    host.after(days=1)
    assert server.received == []
    with host.world.engine.begin() as connection:
        (state,) = list_receivers(connection)
        assert (state.pending, state.failed, state.disabled_because) == (1, 1, "it answered 500")
        gauges = read_gauges(connection, host.world.clock())
        assert (gauges.notices_pending, gauges.notices_failed, gauges.receivers_disabled) == (1, 1, 1)
        assert gauges.notices_due_seconds == 0  # of those that are told
        assert enable_receiver(connection, "default", at=host.world.clock()) == 2
    for _ in range(2):
        server.answer(500)
    host.tell()
    host.after(seconds=6)  # all attempts are left
    assert [message["type"] for message in server.take()] == ["account.renamed"] * 4
    assert {row["status"] for row in host.world.rows("notices", type="account.renamed")} == {"delivered"}


def test_the_lag_of_the_feed_and_of_notices_is_measured(host: Host) -> None:
    host.world.sandbox.expire_connection("acme", "slack")
    host.is_read_again()
    host.world.clock.pass_time(60)
    with host.world.engine.begin() as connection:
        assert 60 <= read_gauges(connection, host.world.clock()).unnumbered_seconds < 90
    host.tell()
    host.world.clock.pass_time(600)
    with host.world.engine.begin() as connection:
        gauges = read_gauges(connection, host.world.clock())
        assert (gauges.unnumbered_seconds, gauges.notices_pending) == (0, 1)
        assert 60 <= gauges.notices_due_seconds < 90


def test_410_disables_an_endpoint_at_once(host: Host, server: Server) -> None:
    server.answer(410)
    host.fails()
    host.after(minutes=10)
    host.recovers()
    host.after(days=2)

    assert len(server.received) == 1
    assert host.world.row("receivers")["disabled_because"] == "it answered 410: it wants nothing any more"


def test_a_server_that_asks_for_more_time_gets_it(host: Host, server: Server) -> None:
    server.answer(429, retry_after="3600")
    host.fails()
    host.after(minutes=10)

    assert host.next_due() == timedelta(hours=1)


def test_redirects_are_not_followed(host: Host, server: Server) -> None:
    server.answer(307, location=f"{server.url}/elsewhere")
    host.fails()
    host.after(minutes=10)

    assert [received.path for received in server.received] == ["/notices"]
    assert host.world.row("notices")["detail"] == "it answered 307; redirects are not followed"


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_private_address_is_connected_to_only_if_that_is_allowed(host: Host, server: Server) -> None:
    host.sends_to(server.url.replace("127.0.0.1", "localhost"), allows_private=False)
    host.fails()
    host.after(minutes=10)

    assert server.received == []
    assert "which is no public address" in host.world.row("notices")["detail"]


def test_while_a_secret_is_changed_either_one_verifies(host: Host, server: Server) -> None:
    host.sends_to(server.url, secret=f"{OTHER_SECRET} {SECRET}")
    host.fails()
    host.after(minutes=10)

    (received,) = server.received
    assert received.verified(SECRET) == received.verified(OTHER_SECRET)


class Dying:
    """A receiver whose process is killed after it has sent."""

    def __init__(self, receiver: Receiver) -> None:
        self.name, self.kind, self.types = receiver.name, receiver.kind, receiver.types
        self.lease_seconds = receiver.lease_seconds
        self._receiver = receiver

    def attempt(self, notice: Notice, finish: Finish) -> Answer | None:
        self._receiver.attempt(notice, finish)
        raise KeyboardInterrupt


def test_a_worker_that_dies_between_sending_and_recording_sends_again_under_the_same_id(
    host: Host, server: Server
) -> None:
    host.fails()
    host.world.clock.pass_time(600)
    with pytest.raises(KeyboardInterrupt):
        host.another(Dying(host.follower.receiver)).step()
    host.tell()  # the other one has it in hand, for all that is known
    assert len(server.received) == 1
    host.after(minutes=2)

    first, second = server.received
    assert first.id == second.id
    assert first.verified()["timestamp"] == second.verified()["timestamp"]
    assert host.world.row("notices")["status"] == "delivered"


def test_a_recovery_is_told_if_a_worker_died_when_it_had_told_the_failure(host: Host, server: Server) -> None:
    host.fails()
    host.world.clock.pass_time(600)
    with pytest.raises(KeyboardInterrupt):
        host.another(Dying(host.follower.receiver)).step()
    host.recovers()
    assert len(server.received) == 1
    host.after(minutes=2)

    assert [message["type"] for message in server.take()] == ["connection.reauth_required", "connection.recovered"]


def test_a_recovery_is_not_sent_to_a_receiver_that_was_not_told_of_the_failure(host: Host, server: Server) -> None:
    host.fails()
    host.after(minutes=10)
    host.sends_to(f"{server.url}/crm", name="crm")
    host.recovers()

    assert [received.path for received in server.received] == ["/notices"]
    assert [row["status"] for row in host.world.rows("notices", receiver="crm")] == ["skipped"]


def test_nothing_personal_of_a_deleted_account_is_sent_or_kept(host: Host, server: Server) -> None:
    host.sends_to(server.url, types="*")
    server.answer(500)
    host.signs_up("Zaphod Beeblebrox", email="zaphod@heart.test")
    server.received.clear()
    host.world.clock.pass_time(60)
    host.world.publish(UserDeleted("acme"))
    host.world.work_until_quiet()
    host.tell()

    assert {message["type"] for message in server.take()} >= {"account.renamed", "account.deleted"}
    assert "aphod" not in host.world.everything_stored()
