"""What an operator sees: what there is to do, and how everything fares."""

import json
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.leases import take_lease
from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.state import Halt, pin_environment, record_halt
from cobalt_mirror.db.tables import applications
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.redis_clients import EXAMINING_TIMEOUT_SECONDS
from cobalt_mirror.workers.settings import Settings
from tests.commands import Ended, Shell
from tests.integration.cli.rows import NOW, add_event, add_receipt
from tests.world import World


def test_an_empty_mirror_is_fine(mirror: Shell) -> None:
    ended = mirror.run("status")

    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.startswith("action       none needed; no process of this release has run here yet: start")
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


@pytest.mark.usefixtures("running")
def test_waiting_events_and_the_age_of_the_catalogue_are_shown(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "1", recorded_at=datetime.now(UTC) - timedelta(minutes=7))
    add_event(engine, "2", status="done")
    with engine.begin() as connection:
        pin_environment(connection, "test")
        row = {"slug": "slack", "name": "Slack", "tags": [], "auth_types": []}
        record_row(connection, applications, row, Because(at=NOW - timedelta(hours=3), cause={}))

    ended = mirror.run("status")

    assert ended.status == 0
    assert ended.output.startswith("action       none needed\n")
    assert "1 pending, 1 done" in ended.output
    assert "oldest event for 7 min: user_signed_up of account acme: not attempted yet" in ended.output
    assert "processes    1 relay, 1 worker, 0 web" in ended.output
    assert "environment  test" in ended.output
    assert "1 applications, read 3 h ago" in ended.output


@pytest.mark.usefixtures("running")
def test_dead_events_are_listed_by_whose_move_it_is_and_the_exit_code_says_so(mirror: Shell, engine: Engine) -> None:
    dead = {"status": "dead", "slug": "nope", "last_error": "no such application", "move": "operator"}
    add_event(engine, "1", **dead)
    add_event(engine, "2", **{**dead, "move": "customer", "last_error": "[red]field[/red] \x1b[31mmissing"})

    shown, told = mirror.run("status"), mirror.run("status", "--json")

    assert (shown.status, told.status) == (3, 3)
    assert shown.output.startswith("ACTION       1 event dead for a reason that you can correct")
    assert "1 by the customer, 1 by the operator" in shown.output
    assert "no such application" in shown.output
    assert "[red]field[/red] ·[31mmissing" in shown.output
    document = json.loads(told.output)
    assert [action["cause"] for action in document["actions"]] == ["dead"]
    assert document["dead_by_move"] == {"operator": 1, "customer": 1}
    assert {(one["id"], one["move"]) for one in document["dead"]} == {("1", "operator"), ("2", "customer")}


@pytest.mark.usefixtures("running")
def test_a_customers_typo_calls_nobody(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "1", status="dead", slug="slack", last_error="channel is missing", move="customer")

    ended = mirror.run("status")

    assert ended.status == 0
    assert ended.output.startswith("action       none needed\n")
    assert "channel is missing" in ended.output


@pytest.mark.usefixtures("running")
def test_the_waiting_account_and_its_last_error_are_shown_when_cobalt_fails_for_a_few(
    mirror: Shell, engine: Engine
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=3)
    times: dict[str, Any] = {
        "recorded_at": hour_ago,
        "retrying_since": hour_ago,
        "due_at": datetime.now(UTC) + timedelta(minutes=5),
    }
    add_event(engine, "1", last_error="Cobalt failed on its side: 502", move="provider", attempts=9, **times)
    times["retrying_since"] = None
    add_event(engine, "2", linked_account_id="bob", detail="over Cobalt's rate limit", **times)

    ended, told = mirror.run("status"), json.loads(mirror.run("status", "--json").output)

    assert (ended.status, ended.output.splitlines()[0]) == (0, "action       none needed")
    assert "oldest event for 3 h: user_signed_up of account acme: Cobalt failed on its side: 502" in ended.output
    assert "1 event, the provider must act; for the longest, 3 h: account acme: Cobalt failed" in ended.output
    assert told["longest_waiting"]["linked_account_id"] == "acme"
    assert told["retrying"]["provider"]["number"] == 1


@pytest.mark.usefixtures("running")
def test_an_account_that_only_meets_429_is_shown_with_its_last_error(mirror: Shell, engine: Engine) -> None:
    since = datetime.now(UTC) - timedelta(minutes=20)
    busy = "POST /api/v2/public/linked-account: over Cobalt's rate limit: 429"
    add_event(engine, "1", recorded_at=datetime.now(UTC) - timedelta(minutes=3))
    add_event(engine, "2", linked_account_id="bob", detail=busy, recorded_at=since, attempts=4)

    ended, told = mirror.run("status"), json.loads(mirror.run("status", "--json").output)

    assert f"waiting      oldest event for 20 min: user_signed_up of account bob: {busy}" in ended.output
    assert (told["longest_waiting"]["linked_account_id"], told["longest_waiting"]["reason"]) == ("bob", busy)


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_storm_of_429_for_one_customer_is_shown_as_the_workers_met_it(world: World, tmp_path: Path) -> None:
    world.sandbox.add_faults(Fault(answer=Answer.THROTTLE, linked_account_id="bob"))
    world.publish(UserSignedUp("bob", name="Bob", udf={}), UserSignedUp("acme", name="Acme", udf={}))
    world.work()

    line = waiting_line(Shell(tmp_path, {"DATABASE_URL": world.database_url}).run("status", "--offline"))

    assert [row["linked_account_id"] for row in world.rows("events", status="pending")] == ["bob"]
    assert "user_signed_up of account bob: " in line
    assert "429" in line


def waiting_line(ended: Ended) -> str:
    (line,) = [line for line in ended.output.splitlines() if line.startswith("waiting ")]
    return line


@pytest.mark.usefixtures("running")
def test_an_account_that_a_worker_has_been_at_for_long_is_shown(mirror: Shell, engine: Engine) -> None:
    """As when Cobalt takes nine seconds for an answer."""
    for account, seconds in (("acme", 9), ("bob", 2)):
        with engine.begin() as connection:
            now, ttl = datetime.now(UTC) - timedelta(seconds=seconds), Settings().lease_ttl
            assert take_lease(connection, account, "", now=now, began=0, ttl=ttl)

    lines = [line for line in mirror.run("status").output.splitlines() if line.startswith("in hand")]

    assert len(lines) == 1
    assert re.fullmatch(r"in hand      2 accounts; for the longest, (9|1\d) s: account acme", lines[0]), lines


@pytest.mark.usefixtures("running")
def test_a_redis_that_cannot_be_used_calls_the_operator(mirror: Shell) -> None:
    ended = mirror.run("status", REDIS_URL="redis://us:secret@127.0.0.1:1/0")

    assert ended.status == 3
    assert ended.output.startswith("ACTION       no Redis answers at redis://127.0.0.1:1/0 (")
    assert "secret" not in ended.output + ended.errors


@pytest.mark.usefixtures("running")
def test_a_redis_that_hangs_keeps_nobody_waiting(mirror: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # it takes connections, and never answers
        began = time.monotonic()
        ended = mirror.run("status", REDIS_URL=f"redis://127.0.0.1:{hanging.getsockname()[1]}")
        seconds = time.monotonic() - began

    assert ended.output.startswith("ACTION       no Redis answers at redis://127.0.0.1:")
    assert seconds < 5 * EXAMINING_TIMEOUT_SECONDS


@pytest.mark.usefixtures("running")
def test_a_redis_that_refuses_the_login_says_so(mirror: Shell, redis_url: str) -> None:
    address = redis_url.replace("redis://", "redis://nobody:s3cret@")

    ended = mirror.run("status", REDIS_URL=address)

    assert (ended.status, ended.errors) == (3, "")
    assert "refuses the login" in ended.output.splitlines()[0]
    assert "s3cret" not in ended.output
    assert "refuses the login" in mirror.run("relay", REDIS_URL=address).errors


@pytest.mark.usefixtures("running")
def test_a_schema_that_is_ahead_of_the_code_calls_the_operator(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE cobalt_mirror_version SET version_num = '9999'"))

    ended = mirror.run("status")

    assert ended.status == 3
    assert ended.output.startswith("ACTION       the database is at version 9999, which this release does not know")


@pytest.mark.usefixtures("running", "customer")
def test_at_80_columns_ids_are_whole_and_lines_fit(mirror: Shell, engine: Engine) -> None:
    account, id_ = "0190f5a2-7c1e-7a3b-9c4d-5e6f70819203", "evt_0190f5a2-7c1e-7a3b-9c4d-5e6f70819203"
    reason = "POST /api/v2/public/config: Cobalt refused the request; a retry does not help: 422 FIELD_REQUIRED"
    add_event(engine, id_, linked_account_id=account, slug="slack", status="dead", last_error=reason, move="customer")

    said = mirror.run("status", COLUMNS="80").output + mirror.run("show", account, COLUMNS="80").output

    assert [line for line in said.splitlines() if len(line) > 80 and "sqlite:" not in line] == []
    assert said.count(id_) == 2
    assert f"account       {account}" in said


def test_a_halt_is_said_loudly(mirror: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        since = datetime.now(UTC) - timedelta(minutes=5)
        record_halt(connection, Halt(reason="the key is refused", since=since, probe_at=since + timedelta(hours=3)))

    shown, told = mirror.run("status"), mirror.run("status", "--json")

    assert shown.status == 3
    assert "HALTED for 5 min, the operator must act: the key is refused; next probe in 3 h" in shown.output
    assert json.loads(told.output)["halt"]["reason"] == "the key is refused"
    add_event(engine, "1")
    assert mirror.run("show", "acme").output.startswith(
        "HALTED       no event is carried out, for anyone: the key is refused\n"
    )
    assert json.loads(mirror.run("show", "acme", "--json").output)["halt"]["reason"] == "the key is refused"


# --- deletions --------------------------------------------------------------------------------------------------------


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
