"""What an operator sees and does of endpoints and handlers."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.db.receivers import disable_receiver, list_receivers
from cobalt_mirror.db.state import Halt, record_halt
from cobalt_mirror.db.statuses import ChangeType, NoticeStatus, ReceiverKind
from cobalt_mirror.db.tables import notices, receivers
from tests.commands import Shell, read_until
from tests.integration.notices.receiver import SECRET, Server
from tests.waiting import wait_until

NOW = datetime.now(UTC)


@pytest.fixture
def disabled(engine: Engine) -> None:
    """An endpoint that wants nothing any more, with a notice that was given up and one that waits, and a handler."""
    with engine.begin() as connection:
        for name, kind in (("default", ReceiverKind.ENDPOINT), ("app.mail", ReceiverKind.HANDLER)):
            connection.execute(insert(receivers).values(name=name, kind=kind, position=0, added_at=NOW))
        for position, status in ((1, NoticeStatus.FAILED), (2, NoticeStatus.PENDING)):
            key = {"receiver": "default", "position": position, "id": "msg_1", "type": ChangeType.EVENT_DEAD}
            times = {"recorded_at": NOW, "due_at": NOW + timedelta(days=1)}
            connection.execute(insert(notices).values(**key, **times, status=status))
        disable_receiver(connection, "default", "it answered 410: it wants nothing any more", at=NOW)


@pytest.mark.usefixtures("disabled", "running")
def test_status_says_that_an_endpoint_is_disabled_and_enable_sends_to_it_again(mirror: Shell, engine: Engine) -> None:
    ended = mirror.run("status")
    assert ended.status == 3
    (action, *_) = ended.output.splitlines()
    assert action.startswith("ACTION       nothing has been sent to default for ")
    assert "2 notices not delivered: it answered 410: it wants nothing any more; correct that" in ended.output
    assert "`cobalt-mirror notices enable default`" in ended.output
    assert "notices      handler app.mail: taken: none yet" in ended.output

    assert mirror.run("notices", "enable", "default").output == "default is enabled; 2 notices to deliver\n"
    assert mirror.run("status").status == 0
    listed = json.loads(mirror.run("notices", "list", "--json").output)["receivers"]
    assert [(each["name"], each["pending"], each["failed"]) for each in listed] == [
        ("app.mail", 0, 0),
        ("default", 2, 0),
    ]


@pytest.mark.usefixtures("disabled")
def test_one_that_is_not_used_any_more_is_forgotten(mirror: Shell) -> None:
    assert mirror.run("notices", "forget", "default").output == "default is forgotten\n"

    assert mirror.run("notices", "list").output == "handler app.mail: taken: none yet\n"
    again = mirror.run("notices", "forget", "default")
    assert (again.status, again.output) == (1, "")
    assert "no endpoint or handler has the name 'default'; workers know app.mail" in again.errors


HANDLERS = """
from pathlib import Path
from cobalt_mirror import Notice, on

@on("work.halted")
def write(notice: Notice, connection: object) -> None:
    Path("told").write_text(f"{notice.type}: {notice.reason}")
"""


def test_a_worker_sends_to_endpoints_and_calls_handlers(mirror: Shell, engine: Engine, redis_url: str) -> None:
    """Real processes, two of them, which take seconds to start: each notice is told by one."""
    (mirror.folder / "host_notices.py").write_text(HANDLERS)
    with Server() as server:
        settings = {
            "REDIS_URL": redis_url,
            "COBALT_API_KEY": "tk_sandbox",
            "WORKER_PROCESSES": "2",
            "NOTICES_URL": server.url,
            "NOTICES_SECRET": SECRET,
            "NOTICES_ALLOW_PRIVATE_ADDRESSES": "true",
            "HANDLERS_MODULE": "host_notices",
            "PYTHONPATH": str(mirror.folder),
        }
        with mirror.start("worker", **settings) as worker:
            read_until(worker, "ready for action")
            wait_until(lambda: names(engine) == ["default", "host_notices.write"])
            with engine.begin() as connection:
                record_halt(connection, Halt(reason="no key", since=NOW, probe_at=NOW + timedelta(hours=1)))
            number_changes(engine)
            told = mirror.folder / "told"
            wait_until(lambda: server.received and told.exists() and told.read_text() == "work.halted: no key")
            worker.terminate()
            assert worker.wait(timeout=30) == 0

        assert [message["type"] for message in server.take()] == ["work.halted"]


def names(engine: Engine) -> list[str]:
    with reading(engine).begin() as connection:
        return [receiver.name for receiver in list_receivers(connection)]


def test_a_worker_does_not_start_without_its_handlers_or_a_secret(mirror: Shell, redis_url: str) -> None:
    settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox"}

    for more, says in (
        ({"HANDLERS_MODULE": "host_notices"}, "HANDLERS_MODULE: host_notices cannot be imported (ModuleNotFoundError"),
        ({"NOTICES_URL": "https://app.test/"}, "NOTICES_SECRET is not set"),
    ):
        ended = mirror.run("worker", **settings, **more)
        assert (ended.status, ended.output) == (1, "")
        assert ended.errors.startswith(f"cobalt-mirror: {says}")
        assert ended.errors.count("\n") == 1
