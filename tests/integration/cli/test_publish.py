"""Events from the command line, for hosts that do not import us."""

import json
import os
import signal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import events
from tests.commands import Ended, Shell
from tests.waiting import wait_until

SLACK = {"linked_account_id": "acme", "slug": "slack"}
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def rows(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine).begin() as connection:
        return [dict(row) for row in connection.execute(select(events).order_by(events.c.id)).mappings()]


def cloudevent(id_: str, **changes: Any) -> str:
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "billing",
        "type": "user_signed_up",
        "time": "2026-01-31T12:00:00Z",
        "data": {"linked_account_id": "acme"},
    }
    return json.dumps({**document, **changes})


def test_an_event_of_each_type_is_published(mirror: Shell, engine: Engine) -> None:
    patch = ["--field", "channel=alerts", "--field", "digest=true", "--field", "mention=null"]
    patch += ["--workflow", '{"id": "slack_notify", "enabled": true}']
    commands = [
        ["user_signed_up", "acme", "--name", "Acme Ltd", "--udf", "plan=pro", "--udf", "note=a=b"],
        ["connection_authorized", "acme", "slack", "--auth-type", "oauth2"],
        ["config_changed", "acme", "slack", "--config-id", "eu", *patch],
        ["connection_removed", "acme", "slack", "--connection-id", "c1"],
        ["connection_authorized", "acme", "slack", "--connection-id", "c2"],
        ["config_changed", "acme", "slack", "--connection-id", "c3"],
        ["config_removed", "acme", "slack", "--config-id", "eu", "--connection-id", "c3"],
    ]
    for number, command in enumerate(commands):
        ended = mirror.run("publish", *command, "--id", str(number), "--occurred-at", "2026-01-31T12:00:00+01:00")
        assert ended == Ended(0, f"published {command[0]} {number} from host\n", "")

    found = rows(engine)
    assert [(row["type"], row["linked_account_id"], row["slug"]) for row in found] == [
        ("user_signed_up", "acme", None),
        ("connection_authorized", "acme", "slack"),
        ("config_changed", "acme", "slack"),
        ("connection_removed", "acme", "slack"),
        ("connection_authorized", "acme", "slack"),
        ("config_changed", "acme", "slack"),
        ("config_removed", "acme", "slack"),
    ]
    assert found[0]["payload"] == {"name": "Acme Ltd", "udf": {"plan": "pro", "note": "a=b"}}
    assert found[2]["payload"] == {
        "config_id": "eu",
        "fields": {"channel": "alerts", "digest": True, "mention": None},
        "workflows": [{"id": "slack_notify", "enabled": True}],
    }
    assert [row["payload"].get("connection_id") for row in found] == [None, None, None, "c1", "c2", "c3", "c3"]
    assert found[6]["payload"] == {"config_id": "eu", "connection_id": "c3"}
    assert found[0]["occurred_at"].isoformat() == "2026-01-31T11:00:00+00:00"


def test_the_same_event_again_is_a_no_op_that_says_so(mirror: Shell, engine: Engine) -> None:
    command = ["publish", "user_signed_up", "acme", "--id", "1", "--source", "billing", "--json"]

    first, second = mirror.run(*command), mirror.run(*command)
    different = mirror.run(*command, "--name", "Other")

    assert json.loads(first.output) == {"source": "billing", "id": "1", "is_new": True}
    assert json.loads(second.output) == {"source": "billing", "id": "1", "is_new": False}
    assert different.status == 2
    assert "a different event" in different.errors
    assert len(rows(engine)) == 1


def test_credentials_come_on_the_input_and_are_sealed(mirror: Shell, engine: Engine) -> None:
    command = ["publish", "user_signed_up", "acme", "--auth-credentials-stdin"]

    refused = mirror.run(*command, standard_input='{"token": "tell nobody"}')
    taken = mirror.run(*command, standard_input='{"token": "tell nobody"}', MIRROR_SECRET_KEYS=KEY)

    assert refused.status == 1
    assert "MIRROR_SECRET_KEYS is not set" in refused.errors
    assert taken.status == 0
    assert [set(row["payload"]) for row in rows(engine)] == [{"sealed"}]
    assert "tell nobody" not in refused.errors + taken.output + str(rows(engine))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["user_signed_in", "acme"], "TYPE user_signed_in: expected one of"),
        (["user_signed_up"], "TYPE and ACCOUNT are missing"),
        (["user_signed_up", ""], "linked_account_id"),
        (["user_signed_up", "acme", "slack"], "slug"),
        (["user_signed_up", "acme", "--udf", "plan"], "--udf plan: expected KEY=VALUE"),
        (["user_signed_up", "acme", "--occurred-at", "2026-01-31T12:00:00"], "occurred_at"),
        (["user_signed_up", "acme", "--occurred-at", "yesterday"], "--occurred-at: expected ISO 8601"),
        (["connection_authorized", "acme"], "slug"),
        (["connection_removed", "acme", "slack", "--connection-id", " "], "connection_id: must not be blank"),
        (["connection_removed", "acme", "slack", "--connection-id", "a\nb"], "connection_id: must not contain control"),
        (
            ["config_changed", "acme", "slack", "--connection-id", "c" * 201],
            "connection_id: String should have at most",
        ),
        (["user_signed_up", "acme", "--connection-id", "c1"], "connection_id: user_signed_up has no such field"),
        (["user_deleted", "acme", "--connection-id", "c1"], "connection_id: user_deleted has no such field"),
        (["--ndjson", "-", "--connection-id", "c1"], "leave out the other arguments"),
        (["config_changed", "acme", "slack", "--workflow", "{"], "--workflow: not JSON"),
        (["config_changed", "acme", "slack", "--workflow", "{}"], "workflows.0.id"),
        (["--ndjson", "-", "--id", "5"], "leave out the other arguments"),
        (["--ndjson", "-", "--source", "zz"], "leave out the other arguments"),
        (["--ndjson", "-", "--occurred-at", "2026-01-31T12:00:00Z"], "leave out the other arguments"),
        (["user_signed_up", "acme", "--ndjson", "-"], "leave out the other arguments"),
    ],
)
def test_a_bad_event_is_refused_by_the_name_of_its_field(
    mirror: Shell, engine: Engine, arguments: list[str], complaint: str
) -> None:
    ended = mirror.run("publish", *arguments)

    assert (ended.status, ended.output) == (2, "")
    assert complaint in ended.errors
    assert rows(engine) == []


def test_bad_lines_are_named_and_left_out_and_good_ones_are_written(mirror: Shell, engine: Engine) -> None:
    lines = [
        cloudevent("1"),
        "",
        "{not json",
        cloudevent("2", type="user_left"),
        cloudevent("3", time="yesterday"),
        cloudevent("1", data={"linked_account_id": "somebody else"}),
        cloudevent("4", data={"linked_account_id": "acme", "udf": {"note": "x" * 300_000}}),
        cloudevent("1"),
        '"text"',
        cloudevent("5", data={"linked_account_id": "zoë"}),
        cloudevent("6", type="connection_removed", data={**SLACK, "connection_id": "c1"}),
        cloudevent("7", type="connection_removed", data={**SLACK, "connection_id": 7}),
        cloudevent("8", data={"linked_account_id": "acme", "connection_id": "c1"}),
        cloudevent("9", type="config_removed", data={**SLACK, "config_id": "eu"}),
    ]

    ended = mirror.run("publish", "--ndjson", "-", standard_input="\n".join(lines))

    assert ended.status == 2
    assert [line.split(": ")[:2] for line in sorted(ended.errors.splitlines())] == [
        ["line 12", "connection_id"],
        ["line 13", "connection_id"],
        ["line 3", "not JSON"],
        ["line 4", "type"],
        ["line 5", "time"],
        ["line 6", "id"],
        ["line 7", "payload"],
        ["line 9", "event"],
    ]
    assert ended.output == "4 events published, 1 were published before, 8 invalid lines\n"
    found = rows(engine)
    accounts = [("1", "acme"), ("5", "zoë"), ("6", "acme"), ("9", "acme")]
    assert [(row["id"], row["linked_account_id"]) for row in found] == accounts
    assert [row["payload"] for row in found[2:]] == [{"connection_id": "c1"}, {"config_id": "eu"}]


def test_many_lines_come_from_a_file_and_the_file_may_be_published_again(mirror: Shell, engine: Engine) -> None:
    numbers = range(1_234)
    (mirror.folder / "events.ndjson").write_text("".join(f"{cloudevent(f'{number:04}')}\n" for number in numbers))

    first = mirror.run("publish", "--ndjson", "events.ndjson", "--json")
    second = mirror.run("publish", "--ndjson", "events.ndjson", "--json")

    assert json.loads(first.output) == {"new": 1_234, "known": 0, "bad": 0}
    assert json.loads(second.output) == {"new": 0, "known": 1_234, "bad": 0}
    assert [row["id"] for row in rows(engine)] == [f"{number:04}" for number in numbers]


def test_lines_of_one_time_count_in_the_order_of_the_file(mirror: Shell, engine: Engine) -> None:
    ids = [f"{number * 7_919 % 1_009:04}" for number in range(1_009)]
    mirror.run("publish", "--ndjson", "-", standard_input="".join(f"{cloudevent(id_)}\n" for id_ in ids))

    found = sorted(rows(engine), key=lambda row: row["number"])
    assert len({row["occurred_at"] for row in found}) == 1
    assert [row["id"] for row in found] == ids


def test_an_endless_line_is_refused_without_being_kept(mirror: Shell, engine: Engine) -> None:
    ended = mirror.run("publish", "--ndjson", "-", standard_input=f"{'x' * 5_000_000}\n{cloudevent('1')}\n")

    assert ended == Ended(
        2, "1 events published, 0 were published before, 1 invalid lines\n", "line 1: longer than 2097152 bytes\n"
    )
    assert len(rows(engine)) == 1


def test_a_file_that_is_not_there_is_named(mirror: Shell) -> None:
    assert mirror.run("publish", "--ndjson", "nowhere.ndjson") == Ended(
        1, "", "cobalt-mirror: nowhere.ndjson: No such file or directory\n"
    )


def test_ctrl_c_ends_it_quietly_with_what_was_whole_so_far(mirror: Shell, engine: Engine) -> None:
    os.mkfifo(mirror.folder / "pipe")
    with mirror.start("publish", "--ndjson", "pipe") as publish, (mirror.folder / "pipe").open("w") as pipe:
        pipe.write("".join(f"{cloudevent(str(number))}\n" for number in range(600)))
        pipe.flush()
        wait_until(lambda: rows(engine))
        publish.send_signal(signal.SIGINT)
        said, _ = publish.communicate(timeout=20)

    assert (publish.returncode, said) == (130, "")
    assert len(rows(engine)) == 500
