"""The vendor's browser SDK itself, from npm, in Node: every public method works against the sandbox."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from tests.pages import README, block, blocks

PACKAGE, VERSION = "@cobaltio/cobalt-js", "8.0.0"
#: What npm says of that version, so that nothing else is ever run here.
INTEGRITY = "sha512-Wd7zZtWZ2EXgpvPsfE0ejsP4u+/f05dzdrJ0axJ2BLWM45q1VoRka0+R4Z8JQ5c+U48Gj0QT2SF7LXE8xejAlQ=="
PUBLIC_METHODS = {
    *("getAccountDetails", "getApp", "connect", "disconnect"),
    *("config", "getConfig", "updateConfig", "deleteConfig"),
}
SCRIPT = Path(__file__).with_name("browser_sdk.cjs")
PAGE = Path(__file__).with_name("readme_page.cjs")
PUBLIC = "/api/v2/public"


@pytest.fixture
def packages(request: pytest.FixtureRequest) -> Path:
    """The folder with the package, kept in pytest's cache: npm is asked once, and nothing is copied into the tree."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip(f"node and npm are not on PATH, so {PACKAGE} cannot run")
    folder = Path(request.config.cache.mkdir(f"cobalt-js-{VERSION}"))
    if not (folder / "node_modules" / PACKAGE / "package.json").exists():
        problem = install(npm, folder)
        if problem is not None:
            pytest.skip(f"npm cannot install {PACKAGE}@{VERSION} here: {problem}")
    locked = json.loads((folder / "node_modules" / ".package-lock.json").read_text())["packages"]
    assert locked[f"node_modules/{PACKAGE}"]["integrity"] == INTEGRITY
    return folder / "node_modules"


def install(npm: str, folder: Path) -> str | None:
    """Install the package, and return what npm complains about; None if it is there."""
    options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    options += ["--fetch-retries", "0", "--fetch-timeout", "20000"]
    try:
        installed = subprocess.run(
            [npm, "install", *options, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "no answer within a minute"
    return None if installed.returncode == 0 else installed.stderr.strip()[:200]


def test_every_public_method_of_the_browser_sdk_works(packages: Path) -> None:
    """One run of the script: what its calls returned, and what the sandbox did."""
    sandbox = Sandbox(rate_limited=False)
    results = run_in_node(SCRIPT, packages, sandbox)

    assert results["called"] == results["methods"]
    assert set(results["methods"]) >= PUBLIC_METHODS
    assert_it_connects(results, sandbox)
    assert_it_configures(results, sandbox)
    assert results["errors"] == {
        "refusedKey": "Internal Server Error",
        "absentConfig": "Not Found",
        "unknownApplication": "Not Found",
        "wrongToken": "Unauthorized",
    }


def test_the_readme_s_page_works_with_what_its_npm_install_gives(packages: Path) -> None:
    """Its token is refused at first, and the application that it connects has two ways, of which OAuth is the first."""
    [script] = blocks(README, "js")
    page = packages.parent / "page.mjs"
    page.write_text(script)
    sandbox = Sandbox(rate_limited=False)
    results = run_in_node(PAGE, packages, sandbox, PAGE=str(page))

    assert block(README, "sh", "npm") == f"npm install {PACKAGE}@{VERSION.split('.', maxsplit=1)[0]}\n"
    first, anew = "/cobalt-token", "/cobalt-token?anew=true"
    assert results == {
        "connected": True,
        "refused": "Internal Server Error",
        "consented": True,
        "minted": [first, anew] * 3,
        "refusals": 0,
        "windows": 1,
    }
    connections = sandbox.state()["connections"]
    assert [(one["slug"], each["auth_type"]) for one in connections for each in one["accounts"]] == [
        ("hubspot", "keybased"),
        ("slack", "oauth2"),
    ]


def run_in_node(script: Path, packages: Path, sandbox: Sandbox, **variables: str) -> dict[str, Any]:
    """Run a script against a server of the sandbox, and return what it printed."""
    with SandboxServer(sandbox) as server:
        here = {"BASE_URL": server.url, "TOKEN": session_token(server.url), "NODE_PATH": str(packages), **variables}
        ran = subprocess.run(
            ["node", str(script)],
            env={**here, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    results: dict[str, Any] = json.loads(ran.stdout)
    return results


def session_token(url: str) -> str:
    with httpx.Client(base_url=url, headers={"x-api-key": "tk_sandbox"}, trust_env=False) as host:
        host.put(f"{PUBLIC}/linked-account", json={"linked_account_id": "acme"}).raise_for_status()
        answer = host.post(f"{PUBLIC}/session-token", json={"linked_account_id": "acme"})
    return str(answer.raise_for_status().json()["token"])


def assert_it_connects(results: dict[str, Any], sandbox: Sandbox) -> None:
    assert results["account"]["environment"] == "test"
    assert sorted(results["applications"]) == [row["slug"] for row in sandbox.state()["applications"]]
    assert [each["name"] for each in results["inputs"]] == ["secret_key"]
    assert (results["denied"], results["consented"], results["consentedWithFields"]) == (False, True, True)
    assert (results["saved"], results["connected"], results["disconnected"]) == (True, True, True)
    assert [row["slug"] for row in sandbox.state()["connections"]] == ["slack", "stripe"]


def assert_it_configures(results: dict[str, Any], sandbox: Sandbox) -> None:
    assert [(effect.kind, effect.detail["config_id"]) for effect in sandbox.effects() if "config" in effect.kind] == [
        ("config_created", "acme"),
        ("config_replaced", "acme"),
        ("config_created", "second"),
        ("config_deleted", "second"),
        ("config_deleted", "acme"),
    ]
    assert results["updated"] == results["read"]
    assert results["read"]["fields"][0]["value"] == "general"
    assert [each["enabled"] for each in results["read"]["workflows"]] == [True, False]
    assert (results["created"]["config_id"], results["second"]) == ("acme", "second")
    assert sandbox.state()["configs"] == []
