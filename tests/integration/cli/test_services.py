"""The Procfile's own commands as processes."""

import signal
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, create_engine, inspect, make_url, select

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import events
from tests.commands import Shell, children_of, family_of, read_until, still_running
from tests.waiting import wait_until


def test_migrate_makes_the_tables_and_may_be_run_again(shell: Shell, database_url: str) -> None:
    for _ in range(2):
        ended = shell.run("migrate", DATABASE_URL=database_url)

        assert (ended.status, ended.errors) == (0, "")
        assert ended.output.endswith("is up to date\n")

    url = make_url(database_url)
    schema = None if url.get_backend_name() == "sqlite" else "cobalt_mirror"
    engine = create_engine(url)
    assert "events" in inspect(engine).get_table_names(schema=schema)
    engine.dispose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_relay_rings_and_ends_well_when_it_is_told_to(
    mirror: Shell, redis_url: str, number: signal.Signals
) -> None:
    assert mirror.run("publish", "user_signed_up", "acme").status == 0
    with mirror.start("relay", REDIS_URL=redis_url) as relay, redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: client.llen("cobalt-mirror:user_signed_up"))
        relay.send_signal(number)
        said, _ = relay.communicate(timeout=20)

    assert (relay.returncode, said) == (0, "")


def test_worker_and_relay_carry_events_to_cobalt_within_moments(mirror: Shell, engine: Engine, redis_url: str) -> None:
    """With dramatiq's own polling alone, half of the messages would wait for longer than 0.4 s."""
    with SandboxServer() as cobalt:
        settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox", "COBALT_BASE_URL": cobalt.url}
        with mirror.start("worker", **settings) as worker, mirror.start("relay", **settings) as relay:
            read_until(worker, "ready for action")
            waits = []
            for number in range(7):
                assert mirror.run("publish", "user_signed_up", f"customer {number}", "--name", "Acme").status == 0
                wait_until(lambda: "pending" not in statuses(engine))
                waits.append(newest_wait_seconds(engine))
            everybody = family_of(worker.pid) | family_of(relay.pid)
            for process in (worker, relay):
                process.terminate()
            assert (worker.wait(timeout=30), relay.wait(timeout=30)) == (0, 0)

        assert [row["name"] for row in cobalt.sandbox.state()["accounts"]] == ["Acme"] * 7
        assert statuses(engine) == ["done"] * 7
        assert still_running(everybody) == set()
    assert sorted(waits)[3] < 1.0, waits


def test_the_worker_is_dramatiq_with_the_processes_that_were_asked_for(mirror: Shell, redis_url: str) -> None:
    settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox", "WORKER_PROCESSES": "1"}
    (mirror.folder / "cobalt_mirror.py").write_text("raise SystemExit('this is not the folder to look in')")
    with mirror.start("worker", **settings) as worker:
        read_until(worker, "ready for action")
        environment = Path(f"/proc/{worker.pid}/environ").read_text()

        assert "dramatiq_worker_timeout=100" in environment
        assert sum("dramatiq" in command for command in children_of(worker.pid).values()) == 1
        worker.terminate()
        assert worker.wait(timeout=30) == 0


def test_a_worker_whose_key_cannot_be_one_of_cobalts_says_so_once(mirror: Shell, redis_url: str) -> None:
    with mirror.start("worker", REDIS_URL=redis_url, COBALT_API_KEY="sk_s3cret", WORKER_PROCESSES="1") as worker:
        said = read_until(worker, "ready for action")
        worker.terminate()
        said += worker.communicate(timeout=30)[0]

    assert said.count("COBALT_API_KEY begins with neither tk nor pk") == 1
    assert "s3cret" not in said


def newest_wait_seconds(engine: Engine) -> float:
    """From the record of the newest event to its end."""
    newest = select(events.c.recorded_at, events.c.finished_at).order_by(events.c.recorded_at.desc()).limit(1)
    with reading(engine).begin() as connection:
        row = connection.execute(newest).one()
    return float((row.finished_at - row.recorded_at).total_seconds())


def statuses(engine: Engine) -> list[str]:
    with reading(engine).begin() as connection:
        return list(connection.execute(select(events.c.status)).scalars())
