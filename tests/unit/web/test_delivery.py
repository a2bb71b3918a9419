"""Whether a test notification arrived: which answers prove it, and what is said of the others."""

import socket
from threading import Event

import pytest

from cobalt_mirror.cobalt import is_signed
from cobalt_mirror.workers.ops.delivery import judge, send_test_notification
from tests.unit.cobalt.loopback import http, request_on, serving, trickle

URL = "https://mirror.test/webhooks/cobalt"
RECORDED = b'{"recorded":"Delivery Test"}'


def test_the_answer_of_a_mirror_proves_that_it_arrived() -> None:
    delivery = judge(URL, 200, RECORDED)

    assert (delivery.arrived, delivery.sentence) == (True, f"a test notification arrived at {URL}")


@pytest.mark.parametrize(
    ("status", "answer", "cause"),
    [
        (200, b"", "something else than `cobalt-mirror web` answers there"),
        (200, b"<html>Welcome</html>", "something else than `cobalt-mirror web` answers there"),
        (200, b'{"recorded":"Connection Created"}', "something else than `cobalt-mirror web` answers there"),
        (200, b"\xff", "something else than `cobalt-mirror web` answers there"),
        (201, RECORDED, "Cobalt takes any answer but 200 for a failure"),
        (401, RECORDED, "it has another COBALT_API_KEY than this command"),
        (401, b'{"error": "x-cobalt-signature matches no API key"}', "it has another COBALT_API_KEY than this command"),
        (401, b'{"error": "no x-cobalt-signature: sign it"}', "no x-cobalt-signature arrived there; let the proxy"),
        (404, b"", "it does not serve POST at this path"),
        (405, b"", "it does not serve POST at this path"),
        (500, b"", "Cobalt takes any answer but 200 for a failure"),
        (503, b"", "its database failed or its proxy found no `cobalt-mirror web`"),
        (299, b"", "Cobalt takes any answer but 200 for a failure"),
        (300, b"", "it redirects, which Cobalt does not follow"),
        (399, b"", "it redirects, which Cobalt does not follow"),
        (400, b"", "Cobalt takes any answer but 200 for a failure"),
    ],
)
def test_any_other_answer_has_its_cause(status: int, answer: bytes, cause: str) -> None:
    delivery = judge(URL, status, answer)

    assert not delivery.arrived
    assert delivery.sentence.startswith(f"a test notification did not arrive: {URL} answers {status}: {cause}")


def test_a_redirect_says_where_to() -> None:
    assert "redirects to https://other.test/," in judge(URL, 307, b"", location="https://other.test/").sentence
    assert "redirects, which" in judge(URL, 307, b"", location="a\x1b[2J").sentence


def test_the_notification_is_signed_with_the_key_and_names_nobody() -> None:
    requests: list[bytes] = []

    def answer(connection: socket.socket, _: Event) -> None:
        requests.append(request_on(connection))
        connection.sendall(http(RECORDED))

    with serving(answer) as server:
        delivery = send_test_notification(f"{server.url}/webhooks/cobalt/", api_key="tk_sandbox")

    assert delivery.arrived
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    signature = next(line.partition(": ")[2] for line in lines if line.lower().startswith("x-cobalt-signature"))
    assert lines[0] == "POST /webhooks/cobalt/ HTTP/1.1"
    assert is_signed(body, signature, ["tk_sandbox"])
    assert body == b'{"event": "Delivery Test"}'
    assert b"tk_sandbox" not in requests[0]


def test_a_redirect_is_not_followed() -> None:
    def redirect(connection: socket.socket, _: Event) -> None:
        request_on(connection)
        connection.sendall(http(b"", status="307 Temporary Redirect\r\nlocation: /elsewhere"))

    with serving(redirect) as server:
        delivery = send_test_notification(server.url, api_key="tk_sandbox")
        accepted = server.accepted

    assert (delivery.arrived, accepted) == (False, 1)
    assert "it redirects to /elsewhere" in delivery.sentence


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    def flood(connection: socket.socket, stopped: Event) -> None:
        request_on(connection)
        connection.sendall(http(b"x" * 10_000, length=10**12))
        stopped.wait(5)

    with serving(flood) as server:
        delivery = send_test_notification(server.url, api_key="tk_sandbox", timeout_seconds=5)

    assert "answers 200: something else" in delivery.sentence


def test_an_answer_that_trickles_ends_with_the_time() -> None:
    def slow(connection: socket.socket, stopped: Event) -> None:
        request_on(connection)
        trickle(connection, stopped, http(RECORDED * 100))

    with serving(slow) as server:
        delivery = send_test_notification(server.url, api_key="tk_sandbox", timeout_seconds=0.2)

    assert not delivery.arrived
    assert f"did not reach {server.url} from here (no answer within 0.2 s)" in delivery.sentence


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:99999/", "http://[::1/"])
def test_an_address_that_cannot_be_reached_is_said_with_what_to_do(url: str) -> None:
    delivery = send_test_notification(url, api_key="tk_sandbox")

    assert not delivery.arrived
    assert delivery.sentence.startswith(f"a test notification did not reach {url} from here (")
    assert "start `cobalt-mirror web` or correct the address" in delivery.sentence
