"""Troubles with our own processes and settings. Each is made for real, and lasts as long as its context."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import Fernet

from cobalt_mirror.events import UserSignedUp
from tests.integration.trouble.cobalt_troubles import CHANGE
from tests.integration.trouble.installation import ACME, Installation
from tests.waiting import wait_until

_OTHER_RELEASE = """
    INSERT INTO cobalt_mirror.processes (id, kind, host, pid, release, started_at, seen_at)
    SELECT 'other', kind, 'another machine', 4, '0.0.9', started_at, seen_at FROM cobalt_mirror.processes
    WHERE kind = 'worker'
"""


@contextmanager
def worker_killed(installation: Installation) -> Iterator[None]:
    """A real worker, of which nothing is left but its last heartbeat. Nothing starts it again."""
    installation.sql("DELETE FROM cobalt_mirror.processes WHERE kind = 'worker'")
    with installation.shell.start("worker", WORKER_PROCESSES="1"):
        wait_until(lambda: installation.world.rows("processes", kind="worker"), timeout_seconds=60)
    installation.sql(
        "UPDATE cobalt_mirror.processes SET seen_at = seen_at - interval '25 s', local_at = NULL WHERE kind = 'worker'"
    )
    installation.publish_long_ago(CHANGE)
    yield


@contextmanager
def relay_missing(installation: Installation) -> Iterator[None]:
    installation.sql("DELETE FROM cobalt_mirror.processes WHERE kind = 'relay'")
    installation.publish_long_ago(CHANGE)
    yield


@contextmanager
def two_versions(installation: Installation) -> Iterator[None]:
    installation.sql(_OTHER_RELEASE)
    yield


@contextmanager
def wrong_secret_key(installation: Installation) -> Iterator[None]:
    installation.world.publish(UserSignedUp(ACME, name="Acme", udf={}, auth_credentials={"token": "secret"}))
    installation.restart(MIRROR_SECRET_KEYS=Fernet.generate_key().decode())
    installation.world.work()
    yield
