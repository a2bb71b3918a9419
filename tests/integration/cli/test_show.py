"""What an operator sees of one customer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.tables import configs, connections
from tests.commands import Shell
from tests.integration.cli.rows import BECAUSE, NOW, add_receipt


@pytest.mark.usefixtures("customer")
def test_everything_about_a_customer_is_shown(mirror: Shell) -> None:
    ended = mirror.run("show", "acme")

    assert (ended.status, ended.errors) == (0, "")
    for wanted in ("Acme", "oauth2 active", '{"channel": "alerts"}', "Cobalt is away", "linked_account"):
        assert wanted in ended.output


@pytest.mark.usefixtures("customer")
def test_a_config_says_when_it_was_read(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(configs).values(verified_at=datetime(2026, 1, 31, 12, tzinfo=UTC)))

    lines = [line.rstrip() for line in mirror.run("show", "acme").output.splitlines()]

    headings, row = lines[lines.index("configs") + 1 :][:2]
    assert headings.endswith("verified at")
    assert row.endswith("2026-01-31 12:00:00Z")


@pytest.mark.usefixtures("customer")
def test_a_program_reads_it_as_json(mirror: Shell) -> None:
    document = json.loads(mirror.run("show", "acme", "--json").output)

    assert document["account"]["udf"] == {"plan": "pro"}
    assert [one["status"] for one in document["connections"]] == ["connected"]
    assert [one["fields"] for one in document["configs"]] == [{"channel": "alerts"}]
    assert [one["id"] for one in document["pending"]] == ["2"]
    assert [one["id"] for one in document["events"]] == ["2", "1"]
    assert [one["what"] for one in document["history"]] == ["config", "connection", "linked_account"]


@pytest.mark.usefixtures("customer")
def test_connections_are_named_where_an_application_holds_several_and_nowhere_else(
    mirror: Shell, engine: Engine
) -> None:
    assert "connection_id" not in mirror.run("show", "acme").output
    key = {"linked_account_id": "acme", "slug": "gmail"}
    links = [
        {"auth_type": "oauth2", "status": status, "identifier": None, "connected_at": None, "connection_id": id_}
        for id_, status in (("c1", "active"), ("c2", "expired"))
    ]
    config = {"fields": {}, "workflows": [], "schema": {}, "field_errors": [], "config_id": "acme"}
    with engine.begin() as connection:
        record_row(connection, connections, {**key, "status": "reauth_required", "accounts": links}, BECAUSE)
        row = {**key, **config, "connection_id": "c1", "status": "installed"}
        record_row(connection, configs, row, BECAUSE)

    lines = mirror.run("show", "acme").output.splitlines()
    document = json.loads(mirror.run("show", "acme", "--json").output)

    assert [line for line in lines if "oauth2 active c1, oauth2 expired c2" in line]
    assert [line for line in lines if "oauth2 active" in line and "c1" not in line]
    assert [line.split()[:4] for line in lines if line.startswith("gmail") and "installed" in line] == [
        ["gmail", "acme", "c1", "installed"]
    ]
    assert [each.get("connection_id") for each in document["connections"][0]["accounts"]] == ["c1", "c2"]
    assert [each.get("connection_id") for each in document["connections"][1]["accounts"]] == [None]
    assert [each["connection_id"] for each in document["configs"]] == ["c1", ""]
    assert [each["connection_id"] for each in document["history"]][:2] == ["c1", None]


def test_a_customer_whom_nobody_knows_is_an_error(mirror: Shell) -> None:
    ended = mirror.run("show", "nobody")

    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == (
        "cobalt-mirror: no account 'nobody' in the mirror or the event log of the database at "
        f"{mirror.variables['DATABASE_URL']}; check the id and DATABASE_URL\n"
    )


def test_the_receipt_of_a_deletion_is_shown_also_when_nothing_else_is_left(mirror: Shell, engine: Engine) -> None:
    add_receipt(engine, "ada", gone=timedelta(hours=1), confirmed_at=NOW)
    add_receipt(engine, "bob", gone=timedelta(hours=1), note="[red]made anew[/red]")
    shown, told = mirror.run("show", "ada"), json.loads(mirror.run("show", "ada", "--json").output)
    noted = mirror.run("show", "bob")

    assert (shown.status, shown.errors) == (0, "")
    assert "the mirror has no such account\n" in shown.output
    for wanted in ("receipt of the deletion", "d-ada", "billing", f"{NOW:%Y-%m-%d %H:%M:%S}Z"):
        assert wanted in shown.output
    assert "not yet" not in shown.output
    assert (told["account"], told["events"]) == (None, [])
    assert told["deletion"]["event_id"] == "d-ada"
    assert told["deletion"]["confirmed_at"] == NOW.isoformat()
    assert "not yet" in noted.output
    assert "[red]made anew[/red]" in noted.output


@pytest.mark.usefixtures("customer")
def test_a_customer_who_was_not_deleted_has_no_receipt(mirror: Shell) -> None:
    assert "receipt" not in mirror.run("show", "acme").output
    assert json.loads(mirror.run("show", "acme", "--json").output)["deletion"] is None


@pytest.mark.parametrize("command", [["show", "acme", "--limit"], ["status", "--dead"]])
def test_a_number_that_no_database_takes_is_refused(mirror: Shell, command: list[str]) -> None:
    ended = mirror.run(*command, "9" * 20)

    assert ended.status == 2
    assert "10000" in ended.errors
