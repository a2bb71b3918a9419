"""What an operator does about dead events: she lists them, has them tried again, and discards the rest."""

import json
import shlex
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Answer, Fault, Sandbox, SandboxServer
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.db.tables import events
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.heartbeat import Heartbeat
from tests.around import around_the_rules
from tests.commands import Shell
from tests.integration.cli.rows import add_event
from tests.waiting import wait_until
from tests.world import TEST_KEY

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
#: Who has to act, the reason, and how many events are dead for it. The operator's are of ten customers.
REASONS = [
    ("operator", "Cobalt does not have the application slack (request_id {number})", 200),
    ("customer", "channel: must not be empty", 200),
    ("provider", "Cobalt failed on its side; try again later: 502", 100),
]
EVERY = {"move": "operator", "status": "dead", "last_error": "no", "slug": "slack", "type": "config_changed"}


@pytest.fixture
def engine(mirror: Shell) -> Iterator[Engine]:
    engine = create_engine(DatabaseSettings(database_url=mirror.variables["DATABASE_URL"]))
    yield engine
    engine.dispose()


@pytest.fixture
def cobalt() -> Iterator[SandboxServer]:
    """A Cobalt in which ten customers have connected slack."""
    with SandboxServer(Sandbox(rate_limited=False)) as server, Client("tk_sandbox", base_url=server.url) as client:
        for number in range(10):
            client.upsert_account(f"a{number}", name=f"Customer {number}", udf={})
            server.sandbox.connect(f"a{number}", "slack")
        yield server


@pytest.fixture
def calling(tmp_path: Path, migrated_url: str, redis_url: str, cobalt: SandboxServer) -> Shell:
    """A shell with a migrated mirror, in one database and in the other, and with that Cobalt."""
    return Shell(tmp_path, {"DATABASE_URL": migrated_url, **calls_to(cobalt, redis_url)})


def calls_to(cobalt: SandboxServer, redis_url: str) -> dict[str, str]:
    settings = {"COBALT_API_KEY": "tk_sandbox", "COBALT_BASE_URL": cobalt.url, "COBALT_RATE_PER_SECOND": "0"}
    return {**settings, "REDIS_URL": redis_url, "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def log(calling: Shell) -> Iterator[Engine]:
    """Its database, with heartbeats of all that has to run."""
    engine = create_engine(DatabaseSettings(database_url=calling.variables["DATABASE_URL"]))
    for kind in (ProcessKind.RELAY, ProcessKind.WORKER):
        Heartbeat(kind, engine).beat()
    yield engine
    engine.dispose()


def bury_500(engine: Engine) -> None:
    rows: list[dict[str, Any]] = []
    for move, reason, number in REASONS:
        for each in range(number):
            id_ = f"{move}{each:03}"
            died = {"status": "dead", "finished_at": NOON + timedelta(seconds=len(rows)), "attempts": 1}
            subject = {"linked_account_id": f"a{each % 10}", "slug": "slack", "type": "config_changed"}
            payload = {"payload": {"fields": {"mention": f"@{each}"}}, "occurred_at": NOON + timedelta(seconds=each)}
            rows.append(
                {"id": id_, "move": move, "last_error": reason.format(number=each), **subject, **payload, **died}
            )
    with engine.begin() as connection:
        connection.execute(insert(events), rows)


def test_500_dead_events_of_three_moves_are_replayed_or_discarded_until_status_is_fine(
    calling: Shell, log: Engine
) -> None:
    bury_500(log)

    looked = calling.run("dead", "replay", "--move", "operator", "--limit", "500", "--dry-run", "--json")
    document = json.loads(looked.output)
    assert calling.run("status", "--offline").status == 3
    replayed = calling.run(*shlex.split(document["command"])[1:], "--by", "ann")
    assert calling.run("status", "--offline").status == 0
    discarded = calling.run("dead", "discard", "--all", "--limit", "500", "--why", "a test")

    shown = calling.run("status", "--offline")
    assert document["counts"] == [
        {"move": "operator", "reason": "Cobalt does not have the application slack", "number": 200}
    ]
    assert (document["taken"], document["number"]) == (200, 200)
    assert document["command"] == "cobalt-mirror dead replay --move operator --limit 500"
    assert (replayed.status, replayed.errors.splitlines()[-1]) == (0, "200 of 200 events replayed")
    assert replayed.output == "200 events replayed: 10 done, 190 superseded; 0 left as they are\n"
    assert (discarded.status, discarded.output) == (0, "300 events discarded; 0 more dead events match\n")
    assert shown.status == 0
    assert "0 pending, 10 done, 190 superseded, 0 dead, 300 discarded" in shown.output


def test_a_program_reads_what_came_of_a_replay_as_json(calling: Shell, log: Engine) -> None:
    add_event(log, "1", **EVERY, linked_account_id="a0", payload={"fields": {"mention": "@x"}})

    replayed = calling.run("dead", "replay", "--move", "operator", "--by", "ann", "--json")

    assert replayed.status == 0
    assert json.loads(replayed.output) == {"by_status": {"done": 1}, "left": 0, "blocked": None}


def test_without_a_filter_nothing_happens(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "1", **EVERY)

    refused = [mirror.run("dead", "replay"), mirror.run("dead", "discard", "--why", "x")]
    both = mirror.run("dead", "discard", "--why", "x", "--all", "--slug", "slack")
    empty = mirror.run("dead", "discard", "--why", "x", "--reason", "")

    assert [ended.status for ended in [*refused, both, empty]] == [2, 2, 2, 2]
    assert "a filter is empty" in empty.errors
    assert all("no filter, so nothing was done" in ended.errors for ended in refused)
    assert json.loads(mirror.run("dead", "list", "--json").output)["number"] == 1


def test_the_payload_is_shown_to_who_has_the_keys_and_passwords_to_nobody(mirror: Shell, engine: Engine) -> None:
    sealed = Vault.from_keys(TEST_KEY).seal({"fields": {"mention": "@here", "signing_secret": "s3cret"}})
    add_event(engine, "1", **EVERY, payload={"config_id": "eu", "sealed": sealed})

    known = mirror.run("dead", "show", "1", MIRROR_SECRET_KEYS=TEST_KEY)
    listed = mirror.run("dead", "list", "--json", MIRROR_SECRET_KEYS=TEST_KEY)
    without = mirror.run("events", "show", "1", "--json")

    assert known.status == 0
    assert '"config_id": "eu"' in known.output
    assert json.loads(listed.output)["events"][0]["payload"]["fields"] == {"mention": "***", "signing_secret": "***"}
    assert "s3cret" not in known.output + listed.output + without.output
    assert json.loads(without.output)["payload"]["sealed"].startswith("cannot be read: MIRROR_SECRET_KEYS is not set")


def test_an_event_whose_name_is_no_text_is_shown_and_discarded(mirror: Shell, engine: Engine) -> None:
    with around_the_rules(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO events (source, id, type, linked_account_id, slug, status, last_error, finished_at)"
                " VALUES ('host', X'ff', 'config_changed', X'6162', X'fd', 'dead', 'must be text', :at)"
            ),
            {"at": "2026-01-31T12:00:00.000000Z"},
        )

    status, listed = mirror.run("status", "--offline"), mirror.run("dead", "list", "--json")
    discarded = mirror.run("dead", "discard", "--all", "--why", "no name")

    assert (status.status, "must be text" in status.output) == (3, True)
    assert json.loads(listed.output)["events"][0]["linked_account_id"] == "ab"
    assert discarded.output == "1 event discarded; 0 more dead events match\n"


def test_an_event_that_waits_is_due_at_once_and_another_one_says_why_not(mirror: Shell, engine: Engine) -> None:
    later = datetime.now(UTC) + timedelta(hours=3)
    add_event(engine, "1", due_at=later, last_error="Cobalt is away")
    add_event(engine, "2", **EVERY)
    for source in ("crm", "billing"):
        add_event(engine, "3", source=source, due_at=later)

    hurried, dead, none = (mirror.run("events", "hurry", id_, "--by", "ann") for id_ in ("1", "2", "4"))
    several = mirror.run("events", "hurry", "3")
    one = mirror.run("events", "hurry", "3", "--source", "crm")
    waiting = json.loads(mirror.run("events", "list", "--status", "pending", "--json").output)

    assert [each.status for each in (hurried, dead, none, several, one)] == [0, 1, 1, 1, 0]
    assert hurried.output.startswith("event 1 of account acme is due now; it was due at ")
    assert "run `cobalt-mirror dead replay`" in dead.errors
    assert "no event '4' in the event log" in none.errors
    assert "several sources have an event '3': billing, crm" in several.errors
    due = {(event["source"], event["id"]): datetime.fromisoformat(event["due_at"]) < later for event in waiting}
    assert due == {("host", "1"): True, ("crm", "3"): True, ("billing", "3"): False}
    assert {event["detail"] for event in waiting if event["id"] == "1"} == {"made due by ann"}
    assert "Cobalt is away" in mirror.run("events", "list", "--account", "acme").output


def test_a_sign_up_that_had_credentials_is_warned_of(mirror: Shell, engine: Engine) -> None:
    more = {"type": "user_signed_up", "slug": None, "payload": {"had_credentials": True}}
    add_event(engine, "1", **{**EVERY, **more})

    ended = mirror.run("dead", "replay", "--all", "--dry-run")

    assert ended.status == 0
    assert ended.output.endswith("  cobalt-mirror dead replay --all --limit 100\n")
    assert ended.errors.startswith("warning: 1 of them are sign-ups whose auth_credentials were deleted")


def test_ctrl_c_ends_a_replay_after_the_account_in_progress(
    mirror: Shell, engine: Engine, redis_url: str, cobalt: SandboxServer
) -> None:
    calling = replace(mirror, variables={**mirror.variables, **calls_to(cobalt, redis_url)})
    bury_500(engine)
    cobalt.sandbox.add_faults(Fault(answer=Answer.LATENCY, min_ms=300))
    cobalt.sandbox.reset_ledger()

    with calling.start("dead", "replay", "--move", "operator", "--limit", "500") as process:
        wait_until(cobalt.sandbox.calls)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    left = json.loads(calling.run("dead", "list", "--move", "operator", "--limit", "500", "--json").output)["number"]
    assert process.returncode == 130
    assert 0 < left < 200
    assert left % 20 == 0  # the events of one account are set back together
    assert f"{left} left as they are" in output
