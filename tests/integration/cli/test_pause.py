"""What an operator types to stop a part of the work and to let it go on, and what the commands answer."""

import json

import pytest
from sqlalchemy import Engine

from tests.acceptance.reader import type_in
from tests.commands import Shell
from tests.integration.cli.rows import add_event
from tests.pages import OPERATIONS, block


@pytest.mark.usefixtures("running")
def test_what_is_paused_is_shown_calls_nobody_and_ends_with_resume(mirror: Shell, engine: Engine) -> None:
    add_event(engine, "1", status="done", linked_account_id="acme")
    paused = mirror.run("pause", "--application", "slack", "--until", "2h", "--why", "Slack is down")
    mirror.run("pause", "--account", "bob")
    status, told = mirror.run("status"), json.loads(mirror.run("status", "--json").output)

    assert paused.status == 0
    assert paused.errors == (
        "warning: neither the catalogue nor the mirror has an application slack; it is paused all the same\n"
    )
    assert paused.output.startswith("paused application slack until 20")
    assert paused.output.endswith(": Slack is down\n")
    assert status.status == 0
    assert "paused       account bob until somebody resumes it, by " in status.output
    assert [(each["scope"], each["name"], each["why"]) for each in told["pauses"]] == [
        ("application", "slack", "Slack is down"),
        ("account", "bob", None),
    ]
    assert mirror.run("show", "acme").output.splitlines()[0].startswith("paused       application slack until 20")

    assert mirror.run("resume", "--application", "slack").output == "resumed application slack\n"
    assert mirror.run("resume", "--account", "bob").status == 0
    assert json.loads(mirror.run("status", "--json").output)["pauses"] == []


@pytest.mark.usefixtures("customer", "running")
def test_the_commands_of_the_operations_page_work(mirror: Shell) -> None:
    done = type_in(mirror, block(OPERATIONS, "sh", "cobalt-mirror pause"), **mirror.variables)

    assert done.stderr == ""
    assert done.stdout.count("paused ") >= 5
    assert done.stdout.endswith("resumed application slack\n")
    scopes = {each["scope"] for each in json.loads(mirror.run("status", "--json").output)["pauses"]}
    assert scopes == {"account", "type", "reconciliation", "everything"}


def test_who_paused_it_is_told(mirror: Shell) -> None:
    assert " until somebody resumes it, by ann\n" in mirror.run("pause", "--account", "bob", "--by", "ann").output


def test_what_is_not_paused_cannot_be_resumed(mirror: Shell) -> None:
    ended = mirror.run("resume", "--everything")

    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == "cobalt-mirror: everything is not paused; `cobalt-mirror status` lists what is\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--everything", "--account", "acme"),
        ("--type", "nonsense"),
        ("--account", "acme", "--until", "soon"),
        ("--everything", "--until", "0s"),
        ("--application", ""),
        ("--account", "a\nb"),
        ("--account", "acme", "--why", " "),
    ],
)
def test_one_thing_is_named_and_can_be_paused(mirror: Shell, arguments: tuple[str, ...]) -> None:
    ended = mirror.run("pause", *arguments)

    assert ended.status == 2
    assert json.loads(mirror.run("status", "--json").output)["pauses"] == []
