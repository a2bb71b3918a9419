"""Troubles with Cobalt, and with one customer there. Each is made for real, and lasts as long as its context."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.cobalt.sandbox.asgi import application
from cobalt_mirror.cobalt.sandbox.faults import Answer
from cobalt_mirror.db.leases import take_lease
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.circuit import FAILING_ACCOUNTS
from tests.integration.reconcile.runs import reconcile
from tests.integration.trouble.installation import ACME, Installation
from tests.integration.trouble.proxies import with_clock, without_signature
from tests.serving import serving
from tests.waiting import wait_until

CHANGE = ConfigChanged(ACME, "slack", fields={"channel": "alerts"})


@contextmanager
def wrong_key(installation: Installation) -> Iterator[None]:
    installation.restart(COBALT_API_KEY="tk_of_somebody_else")
    installation.publish_and_work(CHANGE)
    yield


@contextmanager
def other_environment(installation: Installation) -> Iterator[None]:
    installation.restart(COBALT_API_KEY="pk_sandbox")
    installation.publish_and_work(CHANGE)
    yield


@contextmanager
def down(installation: Installation) -> Iterator[None]:
    installation.faults(Fault(answer=Answer.CLOSED))
    customers = [UserSignedUp(f"a{number}", name="A", udf={}) for number in range(FAILING_ACCOUNTS)]
    installation.publish_and_work(CHANGE, *customers)
    yield


@contextmanager
def slow(installation: Installation) -> Iterator[None]:
    """A worker is in the middle of a call about one customer."""
    installation.faults(Fault(answer=Answer.LATENCY, min_ms=2_100))
    installation.world.publish(CHANGE)
    with installation.world.engine.begin() as connection:
        now, ttl = datetime.now(UTC), timedelta(minutes=10)
        assert take_lease(connection, ACME, "slack", now=now, began=0, ttl=ttl)
    yield


@contextmanager
def throttling(installation: Installation) -> Iterator[None]:
    installation.faults(Fault(answer=Answer.THROTTLE))
    installation.publish_and_work(CHANGE)
    yield


@contextmanager
def wrong_clock(installation: Installation) -> Iterator[None]:
    """Cobalt's clock is not ours, and that of a machine on which a worker runs is not the database's."""
    installation.sql(
        "UPDATE cobalt_mirror.processes SET host = 'another', local_at = local_at - interval '5 s' "
        "WHERE kind = 'worker'"
    )
    app = with_clock(application(installation.world.sandbox), ahead=timedelta(seconds=90))
    with serving(app, has_date=False) as port:
        installation.restart(COBALT_BASE_URL=f"http://127.0.0.1:{port}")
        yield


@contextmanager
def unsigned(installation: Installation) -> Iterator[None]:
    """A connection expires, and what Cobalt says of it is refused."""
    installation.serve(proxy=without_signature)
    installation.world.sandbox.expire_connection(ACME, "slack")
    yield


@contextmanager
def expired(installation: Installation) -> Iterator[None]:
    installation.world.sandbox.expire_connection(ACME, "slack")
    wait_until(lambda: installation.world.rows("checks"))  # Cobalt's notification has come
    installation.world.work_until_quiet()
    yield


@contextmanager
def unknown_application(installation: Installation) -> Iterator[None]:
    installation.world.publish(ConnectionAuthorized(ACME, "slak"))
    installation.world.work_until_quiet()
    yield


@contextmanager
def refused_value(installation: Installation) -> Iterator[None]:
    installation.publish_and_work(ConfigChanged(ACME, "slack", fields={"channel": 5}))
    yield


@contextmanager
def deletion_refused(installation: Installation) -> Iterator[None]:
    installation.faults(Fault(status=403, route="delete_account"))
    installation.publish_and_work(UserDeleted(ACME))
    yield


@contextmanager
def braked(installation: Installation) -> Iterator[None]:
    names = [f"a{number}" for number in range(installation.world.settings.reconcile_brake_count + 1)]
    installation.publish_and_work(*(UserSignedUp(name, name="A", udf={}) for name in names))
    for name in names:
        installation.world.sandbox.delete_account(name)
    reconcile(installation.world)
    installation.account = names[0]
    yield
