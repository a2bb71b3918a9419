"""What an operator sees and does of endpoints and handlers."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.db.receivers import disable_receiver
from cobalt_mirror.db.statuses import ChangeType, NoticeStatus, ReceiverKind
from cobalt_mirror.db.tables import notices, receivers
from tests.commands import Shell

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
def test_status_says_that_an_endpoint_is_disabled_and_enable_tells_it_again(mirror: Shell, engine: Engine) -> None:
    ended = mirror.run("status")
    assert ended.status == 3
    (action, *_) = ended.output.splitlines()
    assert action.startswith("ACTION       nothing has been sent to default for ")
    assert "2 notices not told: it answered 410: it wants nothing any more; correct that" in ended.output
    assert "`cobalt-mirror notices enable default`" in ended.output
    assert "notices      handler app.mail: taken: none yet" in ended.output

    assert mirror.run("notices", "enable", "default").output == "default is told again; 2 notices wait\n"
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
