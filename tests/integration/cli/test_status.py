"""What an operator sees: how everything fares, and everything about one customer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.db.deletions import Deletion, record_deletion
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.state import Halt, pin_environment, record_halt
from cobalt_mirror.db.tables import applications, configs, connections, events, linked_accounts
from tests.commands import Shell

NOW = datetime.now(UTC).replace(microsecond=0)
BECAUSE = Because(at=NOW, cause={"events": []})


def add_event(engine: Engine, id_: str, **columns: Any) -> None:
    row = {"id": id_, "type": "user_signed_up", "linked_account_id": "acme", "occurred_at": NOW, **columns}
    with engine.begin() as connection:
        connection.execute(insert(events).values(**row))


def test_an_empty_mirror_is_fine(mirror: Shell) -> None:
    ended = mirror.run("status")

    assert (ended.status, ended.errors) == (0, "")
    assert "0 pending, 0 done, 0 superseded, 0 dead" in ended.output
    assert "reconcile    never run" in ended.output


def test_it_says_which_database_it_looks_at(mirror: Shell, shell: Shell) -> None:
    url = mirror.variables["DATABASE_URL"]
    assert shell.run("migrate", DATABASE_URL="").status == 0

    assert f"database     {url}\n" in mirror.run("status").output
    assert json.loads(mirror.run("status", "--json").output)["database"] == url
    assert "database     sqlite:///var/mirror.db (the default: DATABASE_URL is not set)\n" in shell.run("status").output


def test_a_key_that_cannot_be_one_of_cobalts_is_warned_of(mirror: Shell) -> None:
    (line,) = [
        line
        for line in mirror.run("status", "--offline", COBALT_API_KEY="sk_s3cret").output.splitlines()
        if line.startswith("warning")
    ]

    assert line.split(maxsplit=1)[1].startswith("COBALT_API_KEY begins with neither tk nor pk")
    assert "s3cret" not in line


def test_waiting_events_and_the_age_of_the_catalogue_are_shown(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "1", recorded_at=datetime.now(UTC) - timedelta(minutes=7))
    add_event(engine, "2", status="done")
    with engine.begin() as connection:
        pin_environment(connection, "test")
        row = {"slug": "slack", "name": "Slack", "tags": [], "auth_types": []}
        record_row(connection, applications, row, Because(at=NOW - timedelta(hours=3), cause={}))

    ended = mirror.run("status")

    assert ended.status == 0
    assert "1 pending, 1 done" in ended.output
    assert "oldest event for 7 min" in ended.output
    assert "environment  test" in ended.output
    assert "1 applications, read 3 h ago" in ended.output


def test_dead_events_are_listed_by_whose_move_it_is_and_the_exit_code_says_so(mirror: Shell, engine: Engine) -> None:
    dead = {"status": "dead", "slug": "nope", "last_error": "no such application", "move": "operator"}
    add_event(engine, "1", **dead)
    add_event(engine, "2", **{**dead, "move": "customer", "last_error": "[red]field[/red] \x1b[31mmissing"})

    shown, told = mirror.run("status"), mirror.run("status", "--json")

    assert (shown.status, told.status) == (3, 3)
    assert "1 by the customer, 1 by the operator" in shown.output
    assert "no such application" in shown.output
    assert "[red]field[/red] ·[31mmissing" in shown.output
    document = json.loads(told.output)
    assert document["dead_by_move"] == {"operator": 1, "customer": 1}
    assert {(one["id"], one["move"]) for one in document["dead"]} == {("1", "operator"), ("2", "customer")}


def test_a_halt_is_said_loudly(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        since = datetime.now(UTC) - timedelta(minutes=5)
        record_halt(connection, Halt(reason="the key is refused", since=since, probe_at=since + timedelta(hours=3)))

    shown, told = mirror.run("status"), mirror.run("status", "--json")

    assert shown.status == 3
    assert "HALTED for 5 min, the operator must act: the key is refused; next probe in 3 h" in shown.output
    assert json.loads(told.output)["halt"]["reason"] == "the key is refused"


@pytest.fixture
def customer(engine: Engine) -> None:
    """A customer with something of everything."""
    key = {"linked_account_id": "acme", "slug": "slack"}
    with engine.begin() as connection:
        account = {"linked_account_id": "acme", "name": "Acme", "udf": {"plan": "pro"}, "status": "active"}
        record_row(connection, linked_accounts, {**account, "environment": "test"}, BECAUSE)
        link = {"auth_type": "oauth2", "status": "active", "identifier": None, "connected_at": None}
        record_row(connection, connections, {**key, "status": "connected", "accounts": [link]}, BECAUSE)
        config = {"fields": {"channel": "alerts"}, "workflows": [], "schema": {}, "field_errors": []}
        config_key = {**key, "config_id": "acme", "connection_id": ""}
        record_row(connection, configs, {**config_key, "status": "installed", **config}, BECAUSE)
    add_event(engine, "1", status="done")
    add_event(engine, "2", last_error="Cobalt is away", attempts=3)


@pytest.mark.usefixtures("customer")
def test_everything_about_a_customer_is_shown(mirror: Shell) -> None:
    ended = mirror.run("show", "acme")

    assert (ended.status, ended.errors) == (0, "")
    for wanted in ("Acme", "oauth2 active", '{"channel": "alerts"}', "Cobalt is away", "linked_account"):
        assert wanted in ended.output


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


# --- deletions --------------------------------------------------------------------------------------------------------


def add_receipt(engine: Engine, account: str, *, gone: timedelta, **more: Any) -> None:
    receipt = Deletion(
        linked_account_id=account,
        source="billing",
        event_id=f"d-{account}",
        occurred_at=NOW - gone - timedelta(minutes=1),
        gone_at=datetime.now(UTC) - gone,
        **more,
    )
    with engine.begin() as connection:
        record_deletion(connection, receipt)


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


def test_deletions_that_wait_or_have_a_note_are_named_with_the_oldest(mirror: Shell, engine: Engine) -> None:
    for number, minutes in enumerate([5, 50, 20]):
        add_receipt(engine, f"waits{number}", gone=timedelta(minutes=minutes))
    add_receipt(engine, "over", gone=timedelta(days=9), confirmed_at=NOW)
    add_receipt(engine, "noted", gone=timedelta(days=9), confirmed_at=NOW, note="made anew")
    add_event(engine, "1", type="user_deleted", recorded_at=datetime.now(UTC) - timedelta(minutes=7))

    shown, told = mirror.run("status"), json.loads(mirror.run("status", "--json").output)

    lines = [line.split(maxsplit=1)[1] for line in shown.output.splitlines() if line.startswith("deletions ")]
    assert lines == [
        "1 requested and not carried out yet, oldest for 7 min",
        "3 to be confirmed, oldest for 50 min: waits1",
        "1 with a note, oldest: noted: made anew",
    ]
    deletions = told["deletions"]
    assert {name: deletions[name] for name in ("asked", "unconfirmed", "noted")} == {
        "asked": 1,
        "unconfirmed": 3,
        "noted": 1,
    }
    assert deletions["oldest_unconfirmed"]["linked_account_id"] == "waits1"
    assert deletions["oldest_noted"]["note"] == "made anew"


def test_without_deletions_nothing_is_said_of_them(mirror: Shell, engine: Engine) -> None:
    add_receipt(engine, "over", gone=timedelta(days=9), confirmed_at=NOW)

    assert not [line for line in mirror.run("status").output.splitlines() if line.startswith("deletions")]
    assert json.loads(mirror.run("status", "--json").output)["deletions"]["unconfirmed"] == 0
