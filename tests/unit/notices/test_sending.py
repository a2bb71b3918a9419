"""What comes of an attempt to send, with servers that answer badly."""

import socket
import ssl
import time
from threading import Event

import httpcore
import pytest

from cobalt_mirror.db.notices import Content
from cobalt_mirror.workers.endpoints import make_endpoint
from cobalt_mirror.workers.notices.addresses import PublicBackend
from cobalt_mirror.workers.notices.notice import make_notice
from cobalt_mirror.workers.notices.receivers import EndpointReceiver
from cobalt_mirror.workers.notices.schedule import Answer, Ending
from cobalt_mirror.workers.notices.sending import Sender, create_pool
from tests.unit.cobalt.loopback import http, request_on, serving, trickle
from tests.unit.notices.rows import notice
from tests.unit.notices.test_endpoints import SECRET

POOL = create_pool(ssl.create_default_context(), allows_private=True)
NOTICE = make_notice(notice(), Content(), reconnect_url=None)


def send(url: str, *, timeout_seconds: float = 5.0) -> Answer:
    endpoint = make_endpoint("default", url, SECRET, "")
    return Sender(endpoint=endpoint, pool=POOL, timeout_seconds=timeout_seconds).send(NOTICE)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("200 OK", Answer(ending=Ending.TAKEN)),
        ("299 Fine", Answer(ending=Ending.TAKEN)),
        ("300 Which", Answer(ending=Ending.FAILED, detail="it answered 300; redirects are not followed")),
        ("399 Where", Answer(ending=Ending.FAILED, detail="it answered 399; redirects are not followed")),
        ("400 No", Answer(ending=Ending.FAILED, detail="it answered 400")),
        ("410 Gone", Answer(ending=Ending.GONE, detail="it answered 410: it wants nothing any more")),
        ("500 Oh", Answer(ending=Ending.FAILED, detail="it answered 500")),
        ("503 Wait\r\nRetry-After: 7", Answer(ending=Ending.FAILED, detail="it answered 503", retry_after_seconds=7.0)),
    ],
)
def test_the_status_decides_and_nothing_that_the_server_writes_is_kept(status: str, answer: Answer) -> None:
    def behave(connection: socket.socket, _stopped: Event) -> None:
        request_on(connection)
        connection.sendall(http(b"s3cret", status=status))

    with serving(behave) as server:
        assert send(server.url) == answer


def test_the_time_is_for_the_whole_attempt() -> None:
    def behave(connection: socket.socket, stopped: Event) -> None:
        request_on(connection)
        trickle(connection, stopped, http(b"", status="200 OK\r\nx: " + "y" * 1_000))

    with serving(behave) as server:
        began = time.monotonic()
        answer = send(server.url, timeout_seconds=0.3)

        assert time.monotonic() - began < 5  # all of it would take 20 s
    assert answer.ending is Ending.UNANSWERED


def test_a_server_that_hangs_up_may_have_it_and_one_that_is_not_there_has_not() -> None:
    def behave(connection: socket.socket, _stopped: Event) -> None:
        request_on(connection)

    with serving(behave) as server:
        assert send(server.url).ending is Ending.UNANSWERED
    gone = send(server.url)
    assert (gone.ending, gone.detail) == (Ending.FAILED, "it was not reached (ConnectError)")


@pytest.mark.parametrize("error", [OverflowError("s3cret"), RuntimeError("can't start new thread")])
def test_an_attempt_that_breaks_off_in_an_unforeseen_way_ends_as_one_without_an_answer(error: Exception) -> None:
    """Else nothing would be recorded of it, and it would be made again each minute for ever."""

    def resolve(_host: str, _port: int) -> list[str]:
        raise error

    pool = httpcore.ConnectionPool(network_backend=PublicBackend(httpcore.SyncBackend(), resolve=resolve))
    endpoint = make_endpoint("default", "http://app.test/", SECRET, "")

    answer = EndpointReceiver(Sender(endpoint=endpoint, pool=pool)).attempt(NOTICE, lambda _: True)

    assert answer == Answer(ending=Ending.UNANSWERED, detail=f"the attempt broke off ({type(error).__name__})")


def test_a_body_without_an_end_is_not_read() -> None:
    def behave(connection: socket.socket, stopped: Event) -> None:
        request_on(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        stopped.wait(10)

    with serving(behave) as server:
        began = time.monotonic()
        assert send(server.url).ending is Ending.TAKEN
        assert time.monotonic() - began < 4
