"""The commands in the README and in docs/ work as written."""

import json
import re
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.workers.settings import Settings
from tests.acceptance.quick_demo import last_line
from tests.acceptance.reader import calls_of_script, sign_up, type_in
from tests.commands import Shell, family_of, read_until, still_running
from tests.pages import EVENTS, OUTCOMES, PAGES, README, YOUR_APP, block, blocks, languages
from tests.waiting import wait_until
from tests.world import TEST_KEY, World


def test_the_two_commands_near_the_top_work(shell: Shell, sqlite_url: str) -> None:
    """The numbers of `make demo` as it is are in test_readme_numbers.py; here it runs for two customers."""
    first = blocks(README, "sh")[0]
    done = type_in(shell, first)

    assert first == "make demo\nmake test\n"
    assert README.index(first) < 1_200
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == last_line(sqlite_url, customers=2, seed=0)


@pytest.mark.timeout(900)  # a dozen commands and waits, each its own process
def test_a_newcomer_can_be_a_customer_in_a_second_shell(shell: Shell) -> None:
    start, second = block(README, "sh", "up --sandbox"), block(README, "sh", "dashboard/connect")
    [command] = re.findall(r"^cobalt-mirror (.*)$", start, flags=re.MULTILINE)
    type_in(shell, start.replace(f"cobalt-mirror {command}\n", "")).check_returncode()

    settings = {"EVENTS_TOKEN": "a-token", "WEB_PORT": "0", "WORKER_PROCESSES": "1"}
    with shell.start(*command.split(), "--sandbox-port", "0", **settings) as up:
        said = read_until(up, "in another shell")
        url, web = (re.findall(rf"{name} +(\S+)", said)[0] for name in ("Cobalt", "web"))
        done = type_in(shell, second.replace("http://127.0.0.1:8474", url))
        by_night = type_in(shell, blocks(README, "sh")[-1])
        lines = [type_in(shell, block(YOUR_APP, "sh", "--ndjson"))]
        lines += [type_in(shell, block(OUTCOMES, "sh", "config_changed"))]
        posted = type_in(shell, block(EVENTS, "sh", "$MIRROR_URL/events"), MIRROR_URL=web, EVENTS_TOKEN="a-token")
        wait_until(lambda: " 0 pending" in shell.run("status").output, timeout_seconds=60)
        asked = block(YOUR_APP, "sh", "$MIRROR_URL/changes").replace("after=120", "after=0")
        feed = type_in(shell, asked, MIRROR_URL=web, EVENTS_TOKEN="a-token")
        by_http = type_in(shell, block(YOUR_APP, "sh", "/integrations?wait=2"), MIRROR_URL=web, EVENTS_TOKEN="a-token")
        receipt = shell.run("show", "zoe").output
        state = httpx.get(f"{url}/_sandbox/state", trust_env=False).json()
        everybody = family_of(up.pid)
        up.send_signal(signal.SIGINT)
        said, _ = up.communicate(timeout=40)

    assert (up.returncode, still_running(everybody)) == (0, set())
    assert "work in progress is finished first" in said
    assert "Traceback" not in said
    assert (done.returncode, done.stderr) == (0, "")
    assert "Acme Ltd" in done.stdout
    assert "not halted" in done.stdout
    assert [row["udf"] for row in state["accounts"] if row["linked_account_id"] == "acme"] == [{"plan": "pro"}]
    assert [row["fields"] for row in state["configs"]] == [{"channel": "alerts"}]
    assert (by_night.returncode, by_night.stderr) == (0, "")
    assert [(each.returncode, each.stderr) for each in lines] == [(0, "")] * 2
    assert "2 events published, 0 were published before, 0 invalid lines" in lines[0].stdout
    assert json.loads(posted.stdout)["receipts"] == [{"source": "billing", "id": "9", "is_new": True}]
    assert "connection.connected" in {each["type"] for each in json.loads(feed.stdout)["changes"]}
    account, page, configs, history, token = documents(by_http.stdout)
    assert (account["name"], page["pending"]) == ("Acme Ltd", 0)
    assert {each["slug"]: each["state"] for each in page["integrations"]}["slack"] == "connected"
    assert [each["fields"] for each in configs["configs"]] == [{"channel": "alerts"}]
    assert history["history"]
    assert token["base_url"] == url
    assert "receipt of the deletion" in receipt


def documents(text: str) -> list[Any]:
    """Return the JSON documents that several commands printed one after another."""
    read, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        read.append(document)
        text = text[end:]
    return read


def test_the_commands_that_publish_work(world: World, shell: Shell) -> None:
    settings = {"DATABASE_URL": world.database_url, "MIRROR_SECRET_KEYS": TEST_KEY}
    done = type_in(shell, block(EVENTS, "sh", "--auth-credentials-stdin"), **settings)
    (shell.folder / "FILE").write_text(blocks(EVENTS, "json")[0])
    lines = type_in(shell, "cobalt-mirror publish --ndjson FILE", **settings)

    assert (done.returncode, done.stderr, lines.returncode, lines.stderr) == (0, "", 0, "")
    assert "k-123" not in world.everything_stored()
    sign_up(world, "acme")
    assert {row["status"] for row in world.rows("events")} <= {"done", "superseded"}


def test_a_token_can_be_minted_without_importing_us(world: World, shell: Shell) -> None:
    sign_up(world, "acme")
    with SandboxServer(world.sandbox) as server:
        minted = type_in(
            shell, block(YOUR_APP, "sh", "session-token"), COBALT_BASE_URL=server.url, COBALT_API_KEY="tk_sandbox"
        )

    assert (minted.returncode, minted.stderr) == (0, "")
    assert '"token"' in minted.stdout


def test_the_variables_for_production_are_settings_that_can_be_read(shell: Shell) -> None:
    exports = block(README, "sh", "export COBALT_API_KEY")
    done = type_in(
        shell,
        f"{exports}\n{sys.executable} -c '"
        "from cobalt_mirror.workers.settings import Settings; Settings.from_environment()'",
    )

    key = (shell.folder / "mirror.key").read_text().strip()
    again = type_in(shell, f'{exports}\nprintf %s "$MIRROR_SECRET_KEYS"')

    assert (done.returncode, done.stderr, again.stderr) == (0, "", "")
    assert again.stdout == (shell.folder / "mirror.key").read_text().strip() == key  # one key, and not one each time
    assert set(re.findall(r"^export (\w+)=", exports, flags=re.MULTILINE)) <= set(map(str.upper, Settings.model_fields))


def test_the_page_of_the_browser_installs_what_it_imports(shell: Shell) -> None:
    done = type_in(shell, block(README, "sh", "npm"))

    assert done.returncode == 0
    assert 'from "@cobaltio/cobalt-js"' in blocks(README, "js")[0]


#: Each page's script: the package and class it imports, how it is called, and how it then calls the package.
SCRIPTS = [
    (README, "@cobaltio/cobalt-js", "Cobalt", ["sendgrid", {"api_key": "k"}], ["sendgrid", {"api_key": "k"}]),
    (README, "@cobaltio/cobalt-js", "Cobalt", ["slack"], ["slack", None]),
    (README, "@cobaltio/cobalt-js", "Cobalt", ["jira", {"token": "k"}, "keybased"], ["jira", {"token": "k"}]),
    (YOUR_APP, "@refoldai/refold-js", "Refold", ["xero"], [{"slug": "xero"}]),
    (
        YOUR_APP,
        "@refoldai/refold-js",
        "Refold",
        ["xero", {"connectionId": "c1"}],
        [{"slug": "xero", "connectionId": "c1"}],
    ),
    (
        YOUR_APP,
        "@refoldai/refold-js",
        "Refold",
        ["jira", {"type": "keybased", "answers": {"token": "k"}}],
        [{"slug": "jira", "type": "keybased", "payload": {"token": "k"}}],
    ),
]


@pytest.mark.parametrize(("page", "package", "class_name", "given", "passed_on"), SCRIPTS)
def test_a_page_s_script_calls_its_package_as_that_wants_it(
    shell: Shell, *, page: str, package: str, class_name: str, given: list[Any], passed_on: list[Any]
) -> None:
    """`connect` of @cobaltio/cobalt-js 8.0.0 takes slug and payload; that of @refoldai/refold-js takes one object."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on PATH to run the page's script with")
    [script] = blocks(page, "js")

    assert calls_of_script(shell.folder, script, node=node, package=package, class_name=class_name, given=given) == [
        ["fetch", "/cobalt-token", {"method": "POST"}],
        ["new", {"token": "t", "baseUrl": "http://cobalt.test"}],
        ["connect", *passed_on],
        ["fetch", f"/connected/{given[0]}", {"method": "POST"}],
    ]


#: Errors of the package, and then what the page does: mint a token (anew), wait, show the error.
MINT, ANEW, SHORT, LONG = "/cobalt-token", "/cobalt-token?anew=true", 2000, 4000
TROUBLES: list[tuple[str, str, str, list[dict[str, Any]], list[Any]]] = [
    (README, "@cobaltio/cobalt-js", "Cobalt", [{"message": "Unauthorized"}], [MINT, SHORT, ANEW]),
    (README, "@cobaltio/cobalt-js", "Cobalt", [{"message": "Too Many Requests"}] * 2, [MINT, SHORT, MINT, LONG, MINT]),
    (README, "@cobaltio/cobalt-js", "Cobalt", [{"message": ""}], [MINT, SHORT, ANEW]),
    (README, "@cobaltio/cobalt-js", "Cobalt", [{"message": "Unauthorized"}] * 3, [MINT, SHORT, ANEW, LONG, ANEW]),
    (README, "@cobaltio/cobalt-js", "Cobalt", [{"message": "Internal Server Error"}], [MINT]),
    (YOUR_APP, "@refoldai/refold-js", "Refold", [{"status_code": 401}], [MINT, SHORT, ANEW]),
    (YOUR_APP, "@refoldai/refold-js", "Refold", [{"status_code": 429}] * 2, [MINT, SHORT, MINT, LONG, MINT]),
    (YOUR_APP, "@refoldai/refold-js", "Refold", [{"status_code": 500}], [MINT]),
]


@pytest.mark.parametrize(("page", "package", "class_name", "errors", "expected"), TROUBLES)
def test_a_page_s_script_mints_anew_after_a_401_and_waits_after_a_429(
    shell: Shell, *, page: str, package: str, class_name: str, errors: list[dict[str, Any]], expected: list[Any]
) -> None:
    """Another error it shows at once; after the third attempt any."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on PATH to run the page's script with")
    [script] = blocks(page, "js")

    calls = calls_of_script(
        shell.folder, script, node=node, package=package, class_name=class_name, given=["slack"], errors=errors
    )

    shown = {"fetch": 1, "wait": 1}
    gives_up = len(errors) == 3 or len(expected) == 1
    assert [call[shown[call[0]]] for call in calls if call[0] in shown][: len(expected)] == expected
    assert calls[-1][0] == ("throw" if gives_up else "fetch")
    assert (calls[-1][1] == "/connected/slack") is not gives_up


#: The code blocks of each page by language: a test in this folder, in tests/integration/hosts, page or sandbox, in
#: tests/migrations or in tests/unit/test_makefile.py runs each of them. Add a block's test before its number here.
BLOCKS = {
    "README.md": {"sh": 6, "python": 3, "sql": 2, "js": 1},
    "benchmarks.md": {"sh": 1},
    "django.md": {"python": 4, "html": 1, "sh": 1},  # hosts/django_project.py; a project's own tests: hosts/test_django
    "events.md": {"sql": 2, "sh": 2, "json": 1, "python": 1},
    "hosting.md": {"python": 2, "sql": 1},
    "notices.md": {"sh": 2, "python": 2, "json": 2},  # test_notices_page
    "operations.md": {"cron": 2, "ini": 4, "sh": 5, "sql": 1},  # `Rotate the secret key`: test_secret_keys
    "outcomes.md": {"sh": 3},
    "page.md": {"python": 3, "sh": 1, "css": 1},  # page/test_documentation; Flask: hosts/test_installing
    "sandbox.md": {"console": 1, "sh": 10, "python": 1, "toml": 1},
    "your-app.md": {"python": 4, "sh": 4, "js": 1},
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_a_block_that_no_test_runs(page: Path) -> None:
    counts = Counter(languages(page.read_text("utf-8")))

    del counts["text"]  # pictures and output

    assert counts == BLOCKS.get(page.name, {})
