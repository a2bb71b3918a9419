"""The page about the sandbox: its commands and its Python work as written, and its lists are complete."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cobalt_mirror.cobalt.sandbox import Fault, Sandbox, SandboxServer, SandboxSettings
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.catalogue_file import read_catalogue
from cobalt_mirror.cobalt.sandbox.dashboard import ACTIONS
from cobalt_mirror.cobalt.sandbox.routes import ROUTES
from cobalt_mirror.workers.cli.app import app
from tests.pages import SANDBOX as PAGE
from tests.pages import blocks


def test_every_command_on_the_page_works_as_written(tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nnoproxy = *\n")
    script = "\n".join(blocks(PAGE, "sh"))
    with SandboxServer(Sandbox(rate_limited=False)) as server:
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8474", server.url)],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "CURL_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "<title>Connected</title>" in done.stdout
        assert '"name":"Acme Ltd"' in done.stdout
        assert server.sandbox.state()["accounts"] == []


def test_the_command_that_starts_it_exists() -> None:
    command = blocks(PAGE, "console")[0].removeprefix("$ cobalt-mirror ").strip()

    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_the_python_on_the_page_runs(tmp_path: Path) -> None:
    [program] = blocks(PAGE, "python")
    call = "\nprint(client.get('/api/v2/public/linked-account', headers={'x-api-key': 'tk_sandbox'}).status_code)"
    done = subprocess.run(
        [sys.executable, "-c", program + call], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stdout.endswith("200\n")


def test_the_catalogue_on_the_page_is_one(tmp_path: Path) -> None:
    [text] = blocks(PAGE, "toml")
    (tmp_path / "own.toml").write_text(text)

    [application] = read_catalogue(tmp_path / "own.toml").applications
    assert [workflow.id for workflow in application.workflows] == ["send_deals"]


@pytest.mark.parametrize("name", [*Application.model_fields, *Field.model_fields])
def test_every_key_of_a_catalogue_is_on_the_page(name: str) -> None:
    section = PAGE.partition("### Your own applications")[2].partition("### What applications show")[0]

    assert re.search(rf"\b{name}\b", section)


@pytest.mark.parametrize(
    "name", [*SandboxSettings.model_fields, *Fault.model_fields, *ACTIONS, *(route.name for route in ROUTES)]
)
def test_every_control_and_route_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE or name.startswith("sdk_")


def test_every_rule_on_the_page_is_a_fault() -> None:
    section = PAGE.partition("| to get | rule |")[2].partition("`POST /_sandbox/faults`")[0]
    rules = [rule for rule in re.findall(r"`([{\[].*?)`", section) if rule.startswith("{")]

    assert len(rules) >= 12
    for rule in rules:
        Fault.model_validate_json(rule)
