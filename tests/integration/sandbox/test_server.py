"""The sandbox behind real sockets: raw paths, silence, hang-ups, deliveries, signals."""

import hashlib
import hmac
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.parse import quote

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault, Sandbox, SandboxServer

ACCOUNT = "/api/v2/public/linked-account"
KEY = {"x-api-key": "tk_sandbox"}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(rate_limited=False)) as server:
        yield server


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=KEY, trust_env=False) as client:
        client.put(ACCOUNT, json={"linked_account_id": "acme"}).raise_for_status()
        yield client


class Receiver:
    """A webhook's end: keeps what arrives, and answers with the statuses it was given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.received: Queue[tuple[bytes, str]] = Queue()
        answers = list(statuses)
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.put((body, self.headers["x-cobalt-signature"]))
                self.send_response(answers.pop(0) if answers else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize("linked_account_id", ["a/b", "a b", "a@b.example", "😀 né", "%2F", "x" * 200])
def test_any_id_stays_one_segment_of_the_raw_path(client: httpx.Client, linked_account_id: str) -> None:
    client.put(ACCOUNT, json={"linked_account_id": linked_account_id}).raise_for_status()
    shown = client.get(f"{ACCOUNT}/{quote(linked_account_id, safe='')}")

    assert shown.json()["account_id"] == linked_account_id


def test_a_raw_utf_8_header_is_not_the_account(client: httpx.Client) -> None:
    client.put(ACCOUNT, json={"linked_account_id": "né"}).raise_for_status()

    def status(raw: bytes) -> int:
        return client.get("/api/v2/public/application", headers={b"linked_account_id": raw}).status_code

    assert status("né".encode()) == 400
    assert status("né".encode("latin-1")) == 200


def test_a_closed_connection_and_silence_reach_the_caller_as_such(client: httpx.Client, server: SandboxServer) -> None:
    server.sandbox.add_faults(Fault(answer=Answer.CLOSED, times=1), Fault(answer=Answer.TIMEOUT, times=1))

    with pytest.raises(httpx.RemoteProtocolError):
        client.get(ACCOUNT)
    with pytest.raises(httpx.ReadTimeout):
        client.get(ACCOUNT, timeout=0.2)
    assert client.get(ACCOUNT).status_code == 200
    assert [call.status for call in server.sandbox.calls(route="list_accounts")] == [None, None, 200]


def test_latency_is_really_waited_for(client: httpx.Client, server: SandboxServer) -> None:
    server.sandbox.add_faults(Fault(answer=Answer.LATENCY, min_ms=300))

    assert client.get(ACCOUNT).elapsed.total_seconds() >= 0.3


def test_a_page_of_another_origin_may_call(client: httpx.Client) -> None:
    asked = {"origin": "https://host.example", "access-control-request-method": "PUT"}

    assert client.options(ACCOUNT, headers=asked).headers["access-control-allow-origin"] == "*"
    assert client.get(ACCOUNT, headers={"origin": "https://host.example"}).headers["access-control-allow-origin"] == "*"


def test_the_consent_page_lives_where_the_server_does(client: httpx.Client, server: SandboxServer) -> None:
    answer = client.get(f"{ACCOUNT}/integration/oauth-url/slack", headers={"linked_account_id": "acme"})
    address = httpx.URL(answer.json()["auth_url"])

    assert str(address).startswith(f"{server.url}/consent?")
    assert client.get(address).status_code == 200
    assert client.post("/consent", data=dict(address.params)).status_code == 200
    assert [row["slug"] for row in server.sandbox.state()["connections"]] == ["slack"]


def test_notifications_arrive_signed_and_are_repeated_until_200(client: httpx.Client, server: SandboxServer) -> None:
    server.sandbox.change_settings(notifications_retry_seconds=0.05)
    with Receiver(500, 204) as receiver:
        body = {"webhook_url": receiver.url, "webhook_events": ["Connection Created"]}
        client.post("/api/v2/public/webhook", json=body).raise_for_status()
        server.sandbox.connect("acme", "slack")
        arrived = [receiver.received.get(timeout=10) for _ in range(3)]

    assert len(set(arrived)) == 1
    sent, signature = arrived[0]
    assert signature == hmac.new(b"tk_sandbox", sent, hashlib.sha256).hexdigest()
    assert server.sandbox.take_notifications(all_of_them=True) == []


def test_an_entered_server_can_be_entered_again_and_keeps_its_state() -> None:
    server = SandboxServer()
    with server:
        httpx.put(server.url + ACCOUNT, json={"linked_account_id": "acme"}, headers=KEY).raise_for_status()
    with server:
        assert httpx.get(f"{server.url}{ACCOUNT}/acme", headers=KEY).status_code == 200


def test_an_address_that_is_taken_is_an_error(server: SandboxServer) -> None:
    with pytest.raises(OSError, match="in use"):
        SandboxServer(port=int(server.url.rpartition(":")[2])).__enter__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_in_the_foreground_ends_quietly_at_a_signal(number: signal.Signals) -> None:
    program = (
        "from cobalt_mirror.cobalt.sandbox import serve; serve(port=0, on_ready=lambda url: print(url, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert httpx.get(url + ACCOUNT, headers=KEY).status_code == 200

    process.send_signal(number)
    _, complaints = process.communicate(timeout=10)
    assert (process.returncode, complaints) == (0, "")
