"""A reader of the documents: types in their commands, runs their Python and their SQL."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.commands import COMMAND, Shell
from tests.pages import ROOT
from tests.world import TEST_KEY, World

#: Commands that would use the network or create an environment, replaced by what a test can run.
_REPLACEMENTS = """
make() {
  case "$1" in
    demo) command make --no-print-directory -C "$ROOT" BIN="$BIN" -o .venv/.installed demo N=2 ;;
    venv | test) command make -C "$ROOT" -n "$1" >/dev/null ;;
    *) return 2 ;;
  esac
}
npm() { [ "$*" = "install @cobaltio/cobalt-js@8" ]; }
.() { [ "$*" = ".venv/bin/activate" ]; }
"""


def type_in(shell: Shell, commands: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run commands in one shell that stops at the first failure."""
    (shell.folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nnoproxy = *\n")
    environment = {
        **shell.variables,
        "BIN": str(COMMAND.parent),
        "CURL_HOME": str(shell.folder),
        "HOME": str(shell.folder),
        "PATH": f"{COMMAND.parent}:/usr/local/bin:/usr/bin:/bin",
        "ROOT": str(ROOT),
        **variables,
    }
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", _REPLACEMENTS + commands],
        cwd=shell.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def run_sql(world: World, statements: str) -> list[tuple[Any, ...]]:
    """Run statements as an app without our package would; return the rows of the last one."""
    address = make_url(world.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        cursor = connection.execute(statements.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def run_python(world: World, folder: Path, *parts: str, **variables: str) -> str:
    """Run the parts of one program in a process of its own; return what it printed."""
    script = folder / "snippets.py"
    script.write_text("\n\n".join(parts))
    settings = {"DATABASE_URL": world.database_url, "MIRROR_SECRET_KEYS": TEST_KEY, "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={"PATH": os.defpath, **settings, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sign_up(world: World, account: str) -> None:
    """Publish a sign-up by SQL and let the workers carry it out."""
    run_sql(world, f"INSERT INTO cobalt_mirror.events (type, linked_account_id) VALUES ('user_signed_up', '{account}')")
    world.work_until_quiet()
    world.catalogue.refresh()


#: Cobalt's package for the browser, in the form in which it is published: CommonJS, with a class. It notes its calls.
_PACKAGE = """
exports.CLASS = class {
  constructor(options) { calls.push(["new", options]); }
  async getApp(slug) { return { slug, auth_type: "oauth2" }; }
  async connect(...given) {
    calls.push(["connect", ...given]);
    if (errors.length) throw errors.shift();
    return true;
  }
};
"""
#: The browser, which waits for nothing, the host's two answers, and the call of the page's function.
_BROWSER = """
globalThis.calls = [];
globalThis.errors = JSON.parse(process.argv[3]).map((each) => Object.assign(new Error(each.message), each));
globalThis.setTimeout = (done, ms) => { calls.push(["wait", ms]); done(); };
globalThis.fetch = async (path, options) => {
  calls.push(["fetch", path, options]);
  return { ok: true, json: async () => ({ token: "t", base_url: "http://cobalt.test" }) };
};
const { connect } = await import("./page.mjs");
await connect(...JSON.parse(process.argv[2])).catch((error) => calls.push(["throw", error.message]));
console.log(JSON.stringify(calls));
"""


def calls_of_script(
    folder: Path,
    script: str,
    *,
    node: str,
    package: str,
    class_name: str,
    given: list[Any],
    errors: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """Run a page's script in node and call its `connect`; return what it called, in order.

    The package's first calls fail with the errors.
    """
    home = folder / "node_modules" / package
    home.mkdir(parents=True)
    (home / "index.js").write_text(_PACKAGE.replace("CLASS", class_name))
    (folder / "page.mjs").write_text(script)
    (folder / "browser.mjs").write_text(_BROWSER)
    command = [node, "browser.mjs", json.dumps(given), json.dumps(errors)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
