"""What the client does on real sockets: deadlines, broken answers, kept connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread

import httpcore
import pytest

from cobalt_mirror.cobalt import Client, ConnectFailed, DeadlineExceeded, NoAnswer, UnexpectedAnswer
from cobalt_mirror.cobalt.deadline import CountdownBackend, Deadline
from tests.unit.cobalt.loopback import http, request_on, serving, trickle
from tests.unit.cobalt.scripted import KEY

ACCOUNT = b'{"account_id": "acme", "environment": "test"}'
TIMEOUT_SECONDS = 0.4
# What a busy machine may add before the call is back.
SLACK_SECONDS = 0.6


def client_of(url: str, *, timeout_seconds: float = 10.0) -> Client:
    return Client(KEY, base_url=url, timeout_seconds=timeout_seconds)


def trickled_headers(connection: socket.socket, stopped: Event) -> None:
    request_on(connection)
    trickle(connection, stopped, b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 5000)


def trickled_body(connection: socket.socket, stopped: Event) -> None:
    request_on(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")
    trickle(connection, stopped, b" " * 5000)


def trickled_chunks(connection: socket.socket, stopped: Event) -> None:
    request_on(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    trickle(connection, stopped, b"1\r\n \r\n" * 1000)


def endless_continues(connection: socket.socket, stopped: Event) -> None:
    request_on(connection)
    while not stopped.wait(0.02):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def silence(connection: socket.socket, stopped: Event) -> None:
    request_on(connection)
    stopped.wait(10)


def slow_reading(connection: socket.socket, stopped: Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while not stopped.wait(0.02):
        connection.recv(1024)


@pytest.mark.parametrize(
    "behave", [trickled_headers, trickled_body, trickled_chunks, endless_continues, silence, slow_reading]
)
def test_a_server_that_is_slow_in_any_way_is_left_at_the_deadline(behave: Callable[..., None]) -> None:
    size = 8_000_000 if behave is slow_reading else 10  # more than any buffer on the way takes
    timeout_seconds = 2.0 if behave is slow_reading else TIMEOUT_SECONDS  # a busy machine is slow to write so much JSON
    with serving(behave) as server, client_of(server.url, timeout_seconds=timeout_seconds) as client:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as raised:
            client.upsert_account("acme", name="x" * size)
        took = time.monotonic() - began
    assert raised.value.effect_possible
    assert took < timeout_seconds + SLACK_SECONDS


def test_the_requests_of_one_call_share_its_deadline() -> None:
    def slow_unknown(connection: socket.socket, stopped: Event) -> None:
        while request_on(connection) and not stopped.wait(TIMEOUT_SECONDS * 0.7):
            connection.sendall(http(b'{"error": "INVALID_LINKED_ACCOUNT_ID"}', status="400 Bad Request"))

    with serving(slow_unknown) as server, client_of(server.url, timeout_seconds=TIMEOUT_SECONDS) as client:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            client.session_token("acme", ensure=True)
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS


def test_a_tls_handshake_that_never_ends_is_left_at_the_deadline() -> None:
    with serving(
        lambda connection, stopped: trickle(connection, stopped, b"\x16\x03\x03\x10\x00" + b"x" * 500)
    ) as server:
        url = server.url.replace("http://", "https://")
        with client_of(url, timeout_seconds=TIMEOUT_SECONDS) as client:
            began = time.monotonic()
            with pytest.raises(ConnectFailed) as raised:
                client.upsert_account("acme")
            assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
    assert not raised.value.effect_possible


class HangingBackend(httpcore.NetworkBackend):
    """Connects only when released, as a name server that is down would have it."""

    def __init__(self) -> None:
        self.released = Event()
        self.closed = Event()

    def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
        self.released.wait(10)
        return _Closing(self.closed)


class _Closing(httpcore.NetworkStream):
    def __init__(self, closed: Event) -> None:
        self._closed = closed

    def close(self) -> None:
        self._closed.set()


def test_a_name_lookup_that_hangs_is_left_at_the_deadline_and_its_late_connection_closed() -> None:
    hanging = HangingBackend()
    with pytest.raises(httpcore.ConnectTimeout):
        CountdownBackend(hanging).connect_tcp("cobalt.example", 443, timeout=Deadline(0.05))
    assert not hanging.closed.is_set()
    hanging.released.set()
    assert hanging.closed.wait(10)


def test_a_deadline_that_has_passed_connects_no_more() -> None:
    with pytest.raises(httpcore.ConnectTimeout):
        CountdownBackend(HangingBackend()).connect_tcp("cobalt.example", 443, timeout=Deadline(-1))


def test_nobody_listening_means_that_cobalt_was_never_reached() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with client_of(f"http://127.0.0.1:{port}") as client, pytest.raises(ConnectFailed) as raised:
        client.upsert_account("acme")
    assert not raised.value.effect_possible


def test_a_name_that_does_not_exist_means_that_cobalt_was_never_reached() -> None:
    with client_of("http://cobalt.invalid") as client, pytest.raises(ConnectFailed):
        client.upsert_account("acme")


def test_calls_share_one_connection() -> None:
    def answering(connection: socket.socket, _: Event) -> None:
        while request_on(connection):
            connection.sendall(http(ACCOUNT))

    with serving(answering) as server, client_of(server.url) as client:
        for _ in range(20):
            client.fetch_account("acme")
        assert server.accepted == 1


def test_errors_of_cobalt_keep_the_connection_too() -> None:
    def refusing(connection: socket.socket, _: Event) -> None:
        while request_on(connection):
            connection.sendall(http(b"<html>", status="502 Bad Gateway", content_type="text/html"))

    with serving(refusing) as server, client_of(server.url) as client:
        for _ in range(3):
            with pytest.raises(Exception, match="502"):
                client.fetch_account("acme")
        assert server.accepted == 1


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    closed = Event()

    def once(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(ACCOUNT))
        connection.close()
        closed.set()

    with serving(once) as server, client_of(server.url) as client:
        client.fetch_account("acme")
        assert closed.wait(10)
        client.fetch_account("acme")
        assert server.accepted == 2


def test_threads_share_a_client() -> None:
    def answering(connection: socket.socket, _: Event) -> None:
        while request_on(connection):
            connection.sendall(http(ACCOUNT))

    answered: list[str] = []
    with serving(answering) as server, client_of(server.url) as client:
        work = [
            Thread(target=lambda: answered.append(client.fetch_account("acme").linked_account_id)) for _ in range(8)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    assert answered == ["acme"] * 8


def test_a_page_of_html_instead_of_json_is_said_to_be_one() -> None:
    def html(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(b"<html>maintenance</html>", content_type="text/html"))

    complaint = r"not JSON \(text/html, 24 bytes\)"
    with serving(html) as server, client_of(server.url) as client, pytest.raises(UnexpectedAnswer, match=complaint):
        client.fetch_account("acme")


def test_a_body_cut_short_of_its_promised_length_is_no_answer() -> None:
    def cut(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(ACCOUNT[:20], length=len(ACCOUNT)))

    with serving(cut) as server, client_of(server.url) as client, pytest.raises(NoAnswer) as raised:
        client.upsert_account("acme")
    assert raised.value.effect_possible


def test_json_cut_by_somebody_who_also_corrected_its_length_is_unexpected() -> None:
    def cut(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(ACCOUNT[:20]))

    with serving(cut) as server, client_of(server.url) as client, pytest.raises(UnexpectedAnswer):
        client.fetch_account("acme")


def test_broken_compression_is_unexpected() -> None:
    def broken(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(ACCOUNT).replace(b"content-type", b"content-encoding: gzip\r\ncontent-type"))

    with serving(broken) as server, client_of(server.url) as client, pytest.raises(UnexpectedAnswer):
        client.fetch_account("acme")


def test_a_connection_closed_before_the_answer_is_no_answer_and_the_write_is_not_repeated() -> None:
    seen: list[bytes] = []

    def closing_at_once(connection: socket.socket, _: Event) -> None:
        seen.append(request_on(connection))

    with serving(closing_at_once) as server, client_of(server.url) as client, pytest.raises(NoAnswer):
        client.upsert_account("acme")
    assert len(seen) == 1


def test_cookies_are_not_kept() -> None:
    seen: list[bytes] = []

    def baking(connection: socket.socket, _: Event) -> None:
        while request := request_on(connection):
            seen.append(request)
            connection.sendall(http(ACCOUNT).replace(b"content-type", b"set-cookie: a=b\r\ncontent-type"))

    with serving(baking) as server, client_of(server.url) as client:
        client.fetch_account("acme")
        client.fetch_account("acme")
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def proxying(connection: socket.socket, _: Event) -> None:
        while request := request_on(connection):
            seen.append(request)
            connection.sendall(http(ACCOUNT))

    with serving(proxying) as server:
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        with client_of("http://cobalt.invalid") as client:
            client.fetch_account("acme")
        with client_of("http://direct.invalid") as client, pytest.raises(ConnectFailed):
            client.fetch_account("acme")
    assert [request.split()[1] for request in seen] == [b"http://cobalt.invalid/api/v2/public/linked-account/acme"]


def test_a_slow_proxy_is_left_at_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(trickled_headers) as server:
        monkeypatch.setenv("https_proxy", server.url)
        monkeypatch.setenv("no_proxy", "")
        with client_of("https://cobalt.invalid", timeout_seconds=TIMEOUT_SECONDS) as client:
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                client.fetch_account("acme")
            assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
