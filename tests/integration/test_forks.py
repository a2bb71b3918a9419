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
import os, sys, threading
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
        wrong.extend(turn for turn in range(half, number, 2) if not is_its_own(f"{name}-{turn}"))
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
import os, signal
from cobalt_mirror.cobalt import SessionToken
from cobalt_mirror.cobalt.token_cache import TokenCache
from cobalt_mirror.workers.governor import LocalGovernor
from cobalt_mirror.workers.settings import Settings

cache, governor = TokenCache(), LocalGovernor(Settings.from_environment())
for lock in (cache._lock, governor._lock):
    lock.acquire()  # as a thread does that is not in the child
if os.fork() == 0:
    signal.alarm(60)
    cache.drop("acme")
    governor.acquire()
    os._exit(7)
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
    assert run(HELD, folder=tmp_path) == "7"
