"""docs/page.md is true: its code runs, and its lists are complete."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from cobalt_mirror.web import integrations_page
from cobalt_mirror.workers.local.procfile import read_procfile
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.page.visitor import Visitor
from tests.integration.page.conftest import send
from tests.pages import DOCS, ROOT, block, rows

PAGE = (DOCS / "page.md").read_text("utf-8")
STYLE = Path(inspect.getfile(integrations_page)).parent / "static" / "style.css"


pytestmark = pytest.mark.usefixtures("host_environment")


def run(part: str) -> dict[str, Any]:
    """Run a block of the page, and return its names."""
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", part), names)
    return names


def test_the_app_on_the_page_mounts_it_and_asks_its_session_who_is_signed_in() -> None:
    app = run("FastAPI")["app"]

    assert send(app, "GET", "/integrations").headers["location"] == "http://app.test/integrations/"
    signed_out = send(app, "GET", "/integrations/")
    assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/sign-in")


def test_the_host_s_function_meets_the_host_s_own_application() -> None:
    app = Starlette()
    app.mount("/integrations", integrations_page(lambda request: request.app.state.account))
    app.state.account = "acme"

    assert Visitor("acme").mark in send(app, "GET", "/integrations/").text


def test_the_page_takes_the_newer_package_from_where_npm_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = run("integrations_with_refold")
    names["REFOLD"].parent.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("refold.cjs"), names["REFOLD"])

    app = names["integrations_with_refold"](lambda _: "acme")

    page = send(app, "GET", "/").text
    [folder] = set(re.findall(r'"(static/\w+)/page.js"', page))
    assert "class Refold" in send(app, "GET", f"/{folder}/sdk.js").text


def test_the_commands_on_the_page_make_settings_with_which_a_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow for `python` and `openssl`. `cobalt-mirror up` itself runs the example app so, in test_example.py."""
    told = 'cobalt-mirror() { echo "$*"; env; }\n' + block(PAGE, "sh", "--procfile")
    path = f"{Path(sys.executable).parent}:{os.defpath}"

    done = subprocess.run(
        ["/bin/bash", "-euc", told], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=True
    )

    command, *lines = done.stdout.splitlines()
    for name, _, value in (line.partition("=") for line in lines if line.startswith(("MIRROR", "NOTICES", "PUBLIC"))):
        monkeypatch.setenv(name, value)
    assert command == "up --sandbox --procfile Procfile"
    (endpoint,) = Settings.from_environment().endpoints()
    assert (endpoint.name, endpoint.origin) == ("default", "http://localhost:8480")


def test_the_procfile_on_the_page_has_what_ours_has_and_the_app(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text(block(PAGE, "text", "worker:"))

    app = {"app": "uvicorn shop:app --port 8480"}
    assert read_procfile(file) == {**read_procfile(ROOT / "Procfile"), **app}


def test_every_argument_is_in_its_table() -> None:
    arguments = [name.strip("`") for name, *_ in rows(PAGE, "| argument | default | meaning |")]

    assert arguments == list(inspect.signature(integrations_page).parameters)[1:]


def test_every_variable_of_the_style_is_named() -> None:
    declared = set(re.findall(r"^  (--cm-[a-z-]+):", STYLE.read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"--cm-[a-z-]+", PAGE)) == declared
