"""A signal to every process of a worker at once: what is in hand is finished.

systemd and Heroku send SIGTERM, a terminal that is closed SIGHUP.
"""

import os
import signal

import pytest
from sqlalchemy import Engine, select

from cobalt_mirror.cobalt.sandbox import Answer, Fault, Sandbox, SandboxServer
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import events, work
from tests.commands import Shell, family_of, read_until, still_running
from tests.waiting import wait_until

CUSTOMERS = 8
#: Longer than a signal takes to be passed on, on a busy machine.
LATENCY_MS = 3_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_lets_the_work_in_hand_finish(
    mirror: Shell, engine: Engine, redis_url: str, number: signal.Signals
) -> None:
    with SandboxServer(Sandbox(rate_limited=False)) as cobalt:
        cobalt.sandbox.add_faults(Fault(route="upsert_account", answer=Answer.LATENCY, min_ms=LATENCY_MS))
        settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox", "COBALT_BASE_URL": cobalt.url}
        for customer in range(CUSTOMERS):
            assert mirror.run("publish", "user_signed_up", f"customer {customer}").status == 0
        with mirror.start("worker", **settings) as worker, mirror.start("relay", **settings) as relay:
            read_until(worker, "ready for action")
            wait_until(lambda: len(cobalt.sandbox.calls(route="upsert_account")) == CUSTOMERS)
            everybody = family_of(worker.pid)
            os.killpg(worker.pid, number)
            said, _ = worker.communicate(timeout=60)
            relay.terminate()
            relay.wait(timeout=30)
        upserts = len(cobalt.sandbox.calls(route="upsert_account"))

    assert "Killing" not in said
    assert worker.returncode == 0, said
    assert still_running(everybody) == set()
    assert upserts == CUSTOMERS
    assert statuses(engine) == ["done"] * CUSTOMERS
    with reading(engine).begin() as connection:
        assert connection.execute(select(work.c.linked_account_id).where(work.c.lease_token.is_not(None))).all() == []


def statuses(engine: Engine) -> list[str]:
    with reading(engine).begin() as connection:
        return list(connection.execute(select(events.c.status)).scalars())
