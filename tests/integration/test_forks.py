"""A process that forks after it used its client, its Redis and its database: no answer goes to the wrong process."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.unit.cobalt.loopback import Loopback, http, request_on, serving

CHILDREN, TOKENS_EACH = 4, 200

MINT = """
import os, sys, threading, traceback
from cobalt_mirror import find_account, governed_client
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.settings import DatabaseSettings

client, engine = governed_client(), create_engine(DatabaseSettings.from_environment())

def is_its_own(account):
    with reading(engine).begin() as connection:
        find_account(connection, account)
    return client.session_token(account).token == f"token-of-{account}"

def mint(name, number):
    wrong = []
    def work(half):
        for turn in range(half, number, 2):
            try:
                if not is_its_own(f"{name}-{turn}"):
                    wrong.append(turn)
            except Exception:
                traceback.print_exc()
                wrong.append(turn)
    threads = [threading.Thread(target=work, args=(half,)) for half in (0, 1)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return len(wrong)

children, each = int(sys.argv[1]), int(sys.argv[2])
assert mint("before", 4) == 0  # connections are open now, and two tokens are kept
pids = []
for number in range(children):
    pid = os.fork()
    if pid == 0:
        os._exit(mint(f"child{number}", each) and 1)
    pids.append(pid)
wrong = mint("parent", each)
print(wrong, *(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))
"""

HELD = """
import os, signal, time
from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.token_cache import TokenCache
from cobalt_mirror.db.engine import create_engine, database_clock
from cobalt_mirror.workers.circuit import FailureCount
from cobalt_mirror.workers.governor import LocalGovernor
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.lazy_client import LazyClient
from cobalt_mirror.workers.web.metrics_endpoint import MetricsEndpoint

settings = Settings.from_environment()
uses = {
    "cache": (TokenCache(), lambda cache: cache.drop("acme")),
    "governor": (LocalGovernor(settings), lambda governor: governor.acquire()),
    "exchange": (Client("tk_x")._exchange, lambda exchange: exchange._open_transport(None)),
    "failures": (FailureCount(), lambda failures: failures.add("acme", None)),
    "repeats": (Repeats(), lambda repeats: repeats.count_unless_silent("kind")),
    "lazy": (LazyClient(settings), lambda lazy: lazy.find()),
    "metrics": (MetricsEndpoint(settings, create_engine(settings), database_clock), lambda metrics: metrics._read()),
}
uses["metrics"][0]._kept = time.monotonic(), b""
for name, (thing, use) in uses.items():
    thing._lock.__enter__()  # as a thread does that is not in the child
    if os.fork() == 0:
        signal.alarm(60)
        use(thing)
        os._exit(7)
    thing._lock.__exit__(None, None, None)
    print(name, os.waitstatus_to_exitcode(os.wait()[1]))
"""

#: A child that can load no certificates, and then can: it prints how its calls end.
NO_CERTIFICATES = """
import os
from cobalt_mirror import Client, CobaltError

client = Client("tk_forked", base_url=os.environ["COBALT_URL"])
client.session_token("before")
os.environ["SSL_CERT_FILE"] = "/nope"
if os.fork() == 0:
    for name in "first", "second":
        try:
            print(client.session_token(name).token)
        except CobaltError as error:
            print(f"{type(error).__name__}: {error}")
    del os.environ["SSL_CERT_FILE"]
    print(client.session_token("third").token, flush=True)
    os._exit(0)
os.wait()
print(client.session_token("parent").token)
"""

#: A child in which half of what is renewed fails.
FAILING = """
import os
from cobalt_mirror.cobalt.forks import renew_in_children

class Thing:
    renewals = 0

    def __init__(self, fails):
        self.fails = fails
        renew_in_children(self)

    def renew(self):
        Thing.renewals += 1
        if self.fails:
            raise OSError("too many open files")

things = [Thing(fails=number % 2 == 0) for number in range(8)]
if os.fork() == 0:
    os._exit(Thing.renewals)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.fixture
def cobalt() -> Iterator[Loopback]:
    """Mints a token that names its account, on connections that are kept open."""

    def mint(connection: socket.socket, _stopped: Event) -> None:
        while request := request_on(connection):
            account = json.loads(request.partition(b"\r\n\r\n")[2])["linked_account_id"]
            token = {"token": f"token-of-{account}", "expires_in": 86_400}
            connection.sendall(http(json.dumps(token).encode()))

    with serving(mint) as server:
        yield server


def run(script: str, *arguments: object, folder: Path, **variables: str) -> str:
    names = ("COBALT_", "DATABASE_URL", "MIRROR_", "REDIS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    ended = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=folder,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_every_customer_gets_its_own_token_in_every_forked_process(
    cobalt: Loopback, migrated_url: str, redis_url: str, tmp_path: Path
) -> None:
    ended = run(
        MINT,
        CHILDREN,
        TOKENS_EACH,
        folder=tmp_path,
        COBALT_API_KEY="tk_forked",
        COBALT_BASE_URL=cobalt.url,
        COBALT_RATE_PER_SECOND="5000",
        COBALT_BURST="50",
        DATABASE_URL=migrated_url,
        REDIS_URL=redis_url,
    )

    assert ended == " ".join(["0"] * (CHILDREN + 1))
    assert cobalt.accepted > CHILDREN  # each process has connections of its own


def test_a_lock_that_a_thread_held_at_the_fork_does_not_stop_the_child(tmp_path: Path) -> None:
    variables = {"COBALT_API_KEY": "tk_forked", "DATABASE_URL": f"sqlite:///{tmp_path}/mirror.db"}
    ended = run(HELD, folder=tmp_path, **variables)

    names = ["cache", "governor", "exchange", "failures", "repeats", "lazy", "metrics"]
    assert ended.splitlines() == [f"{name} 7" for name in names]


def test_a_child_that_cannot_load_certificates_says_so_and_never_uses_the_connection_of_its_parent(
    cobalt: Loopback, tmp_path: Path
) -> None:
    ended = run(NO_CERTIFICATES, folder=tmp_path, COBALT_URL=cobalt.url).splitlines()

    assert [line.partition(" (")[0] for line in ended[:2]] == [
        "ConnectFailed: POST /api/v2/public/session-token: not sent, as this forked process can make no connections of "
        "its own: the certificates for TLS cannot be loaded"
    ] * 2
    assert "check SSL_CERT_FILE" in ended[0]
    assert ended[2:] == ["token-of-third", "token-of-parent"]
    assert cobalt.accepted > 1  # the child has a connection of its own


def test_what_cannot_be_renewed_in_a_child_does_not_keep_the_rest_from_being_renewed(tmp_path: Path) -> None:
    assert run(FAILING, folder=tmp_path) == "8"
