import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.workers.cli.app import COMMANDS, app, load_command
from cobalt_mirror.workers.cli.sandbox_serving import read_settings
from cobalt_mirror.workers.cli.worker import dramatiq_command
from cobalt_mirror.workers.settings import Settings
from tests.pages import ROOT


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_begins_as_the_list_says_and_has_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])

    assert shown.exit_code == 0
    assert load_command(command).help.partition("\n")[0] == COMMANDS[command]
    assert "Example" in shown.output
    assert "cobalt-mirror" in shown.output.partition("Example")[2]


def test_every_module_of_a_command_is_in_the_list() -> None:
    files = (ROOT / "workers" / "cli").glob("*.py")

    assert {file.stem for file in files if f"\ndef {file.stem}(" in file.read_text()} == set(COMMANDS) - {
        "dead",
        "events",
        "notices",
        "sandbox",
        "secrets",
        "webhook",
    }


def test_the_help_lists_every_command_and_every_exit_code() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output

    assert [command for command in COMMANDS if f"\n  {command} " not in shown] == []
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "130 ") if f"\n    {code}" not in shown] == []
    assert "..." not in shown.partition("Commands:")[2]


def test_up_ends_before_it_starts_anything_if_no_worker_would_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICES_URL", "http://localhost:1")
    monkeypatch.setenv("NOTICES_SECRET", f"whsec_{'c2Vj' * 8}")

    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that it ends even if it starts something
        ended = CliRunner().invoke(app, ["up", "--sandbox", "--sandbox-port", str(taken.getsockname()[1])])

    assert isinstance(ended.exception, BadSetting)
    assert str(ended.exception).startswith("notices to http://localhost:1 would be sent in clear; use https://")
    assert ended.output == ""


@pytest.mark.parametrize("arguments", [["nonsense"], ["publish"], ["status", "--dead", "-1"], ["show"]])
def test_wrong_usage_ends_with_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "a\udcff"],
        ["explain", "acme", "\udcff"],
        ["show", "\udcff"],
        ["dead", "show", "\udcff"],
        ["dead", "list", "--account=\udcff"],
        ["events", "list", "--account", "\udcff"],
        ["events", "hurry", "1", "--source", "\udcff"],
        ["pause", "--account", "acme", "--why", "\udcff"],
        ["publish", "user_signed_up", "\udcff"],
        ["reconcile", "--account", "\udcff"],
        ["publish", "--ndjson", "\udcff no such file"],
    ],
)
def test_what_is_no_utf8_is_refused_in_a_sentence(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, arguments)

    assert ended.exit_code == 2
    assert "udcff" in ended.output
    assert "is not UTF-8, as ids and names are; correct it" in " ".join(ended.output.replace("│", " ").split())


def test_a_file_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "\udcff").touch()

    ended = CliRunner().invoke(app, ["publish", "--ndjson", "\udcff", "user_signed_up"])

    assert "--ndjson: the events come from the file" in ended.output


def test_the_worker_looks_for_modules_only_where_they_are_installed() -> None:
    command = dramatiq_command(Settings(worker_processes=3, worker_threads=5))

    assert command[1:5] == ["-P", "-m", "cobalt_mirror.workers.dramatiq_master", "cobalt_mirror.workers.main:start"]
    assert command[-1] == "--path"
    assert command[command.index("--processes") + 1] == "3"
    assert command[command.index("--threads") + 1] == "5"


def test_a_sandbox_takes_settings_by_name() -> None:
    settings = read_settings(["password_values=masked", "token_lifetime_seconds=60"], rate_limited=False)

    assert (settings.password_values, settings.token_lifetime_seconds, settings.rate_limited) == ("masked", 60, False)


@pytest.mark.parametrize("assignment", ["nonsense=1", "password_values", "password_values=purple"])
def test_a_setting_that_the_sandbox_does_not_have_is_refused(assignment: str) -> None:
    with pytest.raises(typer.BadParameter, match="--set"):
        read_settings([assignment], rate_limited=True)
