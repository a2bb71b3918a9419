"""What an operator reads of one customer: the verdict first, then what happened."""

import json
import signal
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.acceptance.reader import type_in
from tests.commands import Shell
from tests.integration.cli.rows import NOW, add_event, add_receipt
from tests.pages import OPERATIONS, block


@pytest.mark.usefixtures("running", "customer")
def test_the_first_line_is_the_verdict_and_the_rest_is_what_happened(mirror: Shell) -> None:
    ended = mirror.run("explain", "acme")

    assert (ended.status, ended.errors) == (0, "")
    verdict, *lines = ended.output.splitlines()
    assert verdict.startswith("waiting since ")
    assert "next: an attempt at user_signed_up 2" in verdict
    assert [line for line in lines if "mirror (slack): config acme" in line]
    assert lines[-1].endswith("waits: user_signed_up 2 waits, 3 failed attempts: Cobalt is away")


@pytest.mark.usefixtures("running", "customer")
def test_the_commands_of_the_operations_page_work(mirror: Shell) -> None:
    done = type_in(mirror, block(OPERATIONS, "sh", "cobalt-mirror explain"), **mirror.variables)

    assert done.stderr == ""
    assert done.stdout.count("waiting since ") == 2


@pytest.mark.usefixtures("running", "customer")
def test_eighty_columns_break_no_id(mirror: Shell, engine: Engine) -> None:
    id_ = "01a219b3-0257-76f8-89ad-89d4fd5e7e27"
    add_event(engine, id_, type="config_changed", slug="slack")

    lines = mirror.run("explain", "acme", "slack", COLUMNS="80").output.splitlines()

    assert max(map(len, lines)) <= 80
    assert [line for line in lines if id_ in line]


@pytest.mark.usefixtures("running", "customer")
def test_a_program_reads_it_as_json_and_only_what_it_asked_for(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "old", status="done", recorded_at=NOW - timedelta(days=2), finished_at=NOW - timedelta(days=2))

    document = json.loads(mirror.run("explain", "acme", "--json", "--since", "24h", "--limit", "3").output)

    assert document["verdict"]["state"] == "waiting"
    assert document["verdict"]["next"]["step"] == "an attempt at user_signed_up 2"
    assert [line["kind"] for line in document["lines"]].count("waits") == 1
    assert len(document["lines"]) == 4
    assert "old" not in json.dumps(document)


def test_a_deleted_customer_has_a_story_and_an_unknown_one_has_none(mirror: Shell, engine: Engine) -> None:
    add_receipt(engine, "gone", gone=timedelta(hours=1))

    deleted, unknown = mirror.run("explain", "gone"), mirror.run("explain", "nobody")

    assert deleted.output.startswith("deleted since ")
    assert (unknown.status, unknown.output) == (1, "")
    assert unknown.errors == mirror.run("show", "nobody").errors


@pytest.mark.usefixtures("running", "customer")
def test_it_follows_what_comes_until_ctrl_c(mirror: Shell, engine: Engine) -> None:
    with mirror.start("explain", "acme", "--follow", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        add_event(engine, "3", type="user_deleted")
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0

    assert {line["text"].split()[1] for line in second["lines"]} == {"3"}
    assert first["verdict"]["state"] == "waiting"
