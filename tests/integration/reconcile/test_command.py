"""`cobalt-mirror reconcile` as cron starts it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Answer, Fault, Sandbox, SandboxServer
from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.runs import RunRow, begin_run, list_runs
from cobalt_mirror.db.settings import DatabaseSettings
from tests.commands import Shell
from tests.waiting import wait_until


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(rate_limited=False)) as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, sandbox: SandboxServer, redis_url: str) -> Shell:
    """A shell with a migrated, empty mirror of a sandbox that has three customers."""
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    upgrade(DatabaseSettings(database_url=url))
    shell = Shell(
        tmp_path,
        {
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "COBALT_API_KEY": "tk_sandbox",
            "COBALT_BASE_URL": sandbox.url,
            "NO_PROXY": "127.0.0.1",
            "LOG_LEVEL": "error",
        },
    )
    with Client("tk_sandbox", base_url=sandbox.url) as client:
        for number in range(3):
            client.upsert_account(f"a{number}", name=f"Customer {number}", udf={})
            sandbox.sandbox.connect(f"a{number}", "slack")
    return shell


def test_a_run_that_agrees_in_the_end_exits_with_0_and_says_what_it_did(shell: Shell) -> None:
    ended = shell.run("reconcile")

    assert (ended.status, ended.output.count("\n")) == (0, 3)
    assert "3 accounts compared, 3 adopted" in ended.output
    assert "configs: 1 of 3 read, the oldest read at " in ended.output
    assert "no difference is left in what was compared: all accounts with their connections" in ended.output
    assert "3 of 3 accounts compared" in ended.errors


def test_at_80_columns_the_differences_of_a_dry_run_fit_and_ids_are_whole(shell: Shell, sandbox: SandboxServer) -> None:
    account = "0190f5a2-7c1e-7a3b-9c4d-5e6f70819203"
    with Client("tk_sandbox", base_url=sandbox.url) as client:
        client.upsert_account(account, name="A customer with a long name, and " * 3, udf={})
        sandbox.sandbox.connect(account, "slack")

    lines = shell.run("reconcile", "--dry-run", COLUMNS="80").output.splitlines()

    table = lines[: next(number for number, line in enumerate(lines) if line.startswith("run "))]
    assert [line for line in table if len(line) > 80] == []
    assert any(account in line for line in table)


def test_agreement_is_said_of_a_deep_run_which_compares_everything(shell: Shell) -> None:
    assert shell.run("reconcile").status == 0
    ended = shell.run("reconcile", "--deep")

    assert ended.status == 0
    assert ended.output.splitlines()[1].startswith("configs: 3 of 3 read, the oldest read at ")
    assert ended.output.splitlines()[2].startswith("mirror and Cobalt agree: all accounts, connections and configs")
    compared = json.loads(shell.run("reconcile", "--account", "a1", "--json").output)
    assert (compared["ending"], compared["compared"]["everything"]) == ("no_difference_left", False)


def test_a_quiet_run_prints_nothing_if_it_agrees_in_the_end(shell: Shell, sandbox: SandboxServer) -> None:
    sandbox.sandbox.add_faults(Fault(route="list_accounts", answer=Answer.ERROR, times=1))
    assert shell.run("reconcile", LOG_LEVEL="debug").errors.count("not_read") == 1
    sandbox.sandbox.add_faults(Fault(route="list_accounts", answer=Answer.ERROR, times=1))

    for options in ([], ["--json"], ["--deep"], ["--account", "a1"]):
        ended = shell.run("reconcile", "--quiet", *options, LOG_LEVEL="debug")

        assert (ended.status, ended.output, ended.errors) == (0, "", "")


def test_a_quiet_run_prints_what_it_has_to_say_otherwise(shell: Shell, sandbox: SandboxServer) -> None:
    assert shell.run("reconcile", "--quiet").status == 0
    sandbox.sandbox.rename_account("a1", "New")
    shown, told = (
        shell.run("reconcile", "--dry-run", "--quiet"),
        shell.run("reconcile", "--dry-run", "--json", "--quiet"),
    )
    refused = shell.run("reconcile", "--quiet", COBALT_API_KEY="tk_wrong")

    assert (shown.status, told.status, refused.status) == (2, 2, 1)
    assert "Customer 1" in shown.output
    assert json.loads(told.output)["ending"] == "differences_left"
    assert "did not finish" in refused.output


def test_a_dry_run_exits_with_2_and_shows_a_table_or_json(shell: Shell, sandbox: SandboxServer) -> None:
    assert shell.run("reconcile").status == 0
    sandbox.sandbox.rename_account("a1", "[red]New[/red]")
    shown, told = shell.run("reconcile", "--dry-run"), shell.run("reconcile", "--dry-run", "--json")

    assert (shown.status, told.status) == (2, 2)
    assert "[red]New[/red]" in shown.output
    document = json.loads(told.output)
    (difference,) = [one for one in document["differences"] if one["column"] == "name"]
    assert (difference["mirror"], difference["cobalt"]) == ("Customer 1", "[red]New[/red]")
    assert document["ending"] == "differences_left"
    assert document["run"]["left"] == 0


def test_a_run_with_an_unknown_application_exits_with_2_and_says_what_to_do(
    shell: Shell, sandbox: SandboxServer
) -> None:
    sandbox.sandbox.connect("a1", "order_desk")
    sandbox.sandbox.connect("a2", "order_desk")
    sandbox.sandbox.disable_application("order_desk")
    ended, dry, one = (
        shell.run("reconcile"),
        shell.run("reconcile", "--dry-run", "--json"),
        shell.run("reconcile", "--account", "a1"),
    )
    sandbox.sandbox.enable_application("order_desk")

    assert [each.status for each in (ended, dry, one)] == [2, 2, 2]
    document = json.loads(dry.output)
    (application,) = document["unmapped_applications"]
    assert application["name"] == "Order Desk"
    assert (document["run"]["unmapped"], document["ending"]) == (2, "differences_left")
    line = (
        "2 connections not compared, because Cobalt's catalogue does not have their custom application:"
        f" Order Desk (app_id {application['app_id']}); enable it in Cobalt's dashboard or,"
        " if it is your organisation's default application, set COBALT_DEFAULT_APP_ID to its app_id; then run"
        " reconcile again"
    )
    assert line in ended.output
    assert line.replace("2 connections", "1 connection") in one.output
    assert "agree" not in ended.output + one.output
    assert shell.run("reconcile").status == 0


def test_a_run_that_cannot_finish_exits_with_1_and_says_why(shell: Shell) -> None:
    ended = shell.run("reconcile", COBALT_API_KEY="tk_wrong")

    assert ended.status == 1
    assert "did not finish" in ended.output


def test_a_second_run_exits_with_3_and_says_so(shell: Shell) -> None:
    engine = create_engine(DatabaseSettings(database_url=shell.variables["DATABASE_URL"]))
    with engine.begin() as connection:
        run = begin_run(connection, {}, datetime.now(UTC))
    ended = shell.run("reconcile")
    engine.dispose()

    assert (ended.status, ended.output) == (3, "")
    assert f"run {run.id} has been under way" in ended.errors


def status_of(shell: Shell) -> str:
    """What `status` prints, in one line."""
    return " ".join(shell.run("status").output.split())


def test_a_process_that_is_killed_in_the_middle_of_the_walk_is_resumed_by_the_next(
    shell: Shell, sandbox: SandboxServer
) -> None:
    with Client("tk_sandbox", base_url=sandbox.url) as client:
        for number in range(3, 350):
            client.upsert_account(f"a{number}", name=f"Customer {number}", udf={})
    sandbox.sandbox.add_faults(Fault(route="list_accounts", answer=Answer.LATENCY, min_ms=500))
    engine = create_engine(DatabaseSettings(database_url=shell.variables["DATABASE_URL"]))
    with shell.start("reconcile") as killed:
        wait_until(lambda: sum(run.pages for run in runs(engine)) >= 2)
        killed.kill()
        killed.wait()
    (first,) = runs(engine)
    refused, meanwhile = shell.run("reconcile"), status_of(shell)
    with engine.begin() as connection:  # two minutes without a heartbeat
        connection.execute(update(tables.runs).values(alive_until=datetime.now(UTC)))
    silent = status_of(shell)
    sandbox.sandbox.reset_ledger()
    ended = shell.run("reconcile")

    assert (first.finished_at, first.stopped_because) == (None, None)
    assert refused.status == 3
    assert f"no complete pass yet; no connection has configs to read; run {first.id} is under way" in meanwhile
    assert f"no complete pass yet; no connection has configs to read; run {first.id} did not finish: killed" in silent
    status = status_of(shell)
    assert "last complete pass began" in status
    assert "configs of 1 of 3 connections were read, the oldest" in status
    assert (ended.status, f"resumed run {first.id}" in ended.output) == (0, True)
    asked_for = [call.route for call in sandbox.sandbox.calls()].count("list_accounts")
    assert asked_for == 4 - first.pages + 1  # the last one that was committed comes again
    second, first = runs(engine)
    assert (first.finished_at, first.stopped_because) == (None, f"killed; resumed by {second.id}")
    with reading(engine).begin() as connection:
        assert connection.execute(select(func.count()).select_from(tables.linked_accounts)).scalar() == 350
    engine.dispose()


def runs(engine: Engine) -> list[RunRow]:
    with reading(engine).begin() as connection:
        return list_runs(connection)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--older-than", "soon"],
        ["--older-than", "24"],
        ["--older-than", "999999d"],
        ["--account", "a", "--older-than", "24h"],
    ],
)
def test_wrong_usage_exits_with_2(shell: Shell, arguments: list[str]) -> None:
    ended = shell.run("reconcile", *arguments)

    assert ended.status == 2
    assert "--older-than" in ended.errors


def test_ages_are_told_with_their_unit(shell: Shell) -> None:
    assert shell.run("reconcile", "--older-than", "24h").status == 0
