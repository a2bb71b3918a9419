"""`cobalt-mirror sandbox`: where its data is kept, its catalogue, and what it says of files that it cannot use."""

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.cobalt.sandbox.keeper import Keeper
from cobalt_mirror.db import tables
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.local.sandbox import keeping, load_state, make_sandbox, state_file
from cobalt_mirror.workers.ops.fresh_sandbox import describe_accounts_from_before
from cobalt_mirror.workers.settings import Settings
from tests.commands import Shell, read_until

ACCOUNT = "/api/v2/public/linked-account"
OWN = '[[application]]\nslug = "crm"\nname = "CRM"\nauth.oauth2 = []\n'


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///var/mirror.db", "var/sandbox.json"),
        ("sqlite:///mirror.db", "sandbox.json"),
        ("sqlite:////srv/app/mirror.db", "/srv/app/sandbox.json"),
        ("postgresql://user@host/name", "var/sandbox.json"),
    ],
)
def test_its_data_is_beside_the_database(url: str, file: str) -> None:
    assert state_file(DatabaseSettings(database_url=url)) == Path(file)


def begun(file: Path, *, fresh: bool = False, catalogue: Path | None = None) -> tuple[Sandbox, Keeper]:
    sandbox = make_sandbox(catalogue)
    keeper, has_data = load_state(sandbox, file, fresh=fresh)
    assert has_data is (bool(sandbox.state()["accounts"]))
    return sandbox, keeper


def accounts_after(folder: Path, **how: Any) -> list[str]:
    """Begin a sandbox, sign an account up, end it, and return the accounts that it had before."""
    sandbox, keeper = begun(folder / "sandbox.json", **how)
    before = [row["linked_account_id"] for row in sandbox.state()["accounts"]]
    with keeping(keeper), httpx.Client(transport=SandboxTransport(sandbox), base_url="http://cobalt.test") as client:
        body = {"linked_account_id": f"account {len(before)}"}
        client.put(ACCOUNT, json=body, headers={"x-api-key": "tk_sandbox"}).raise_for_status()
    return before


def test_its_data_survives_unless_it_begins_afresh(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)

    assert accounts_after(tmp_path) == []
    assert accounts_after(tmp_path, catalogue=own) == ["account 0"]
    assert accounts_after(tmp_path, fresh=True) == []
    assert accounts_after(tmp_path) == ["account 0"]


def test_what_does_not_begin_leaves_the_file_alone(tmp_path: Path) -> None:
    """Such as a sandbox whose port is taken."""
    accounts_after(tmp_path)
    begun(tmp_path / "sandbox.json", fresh=True)

    assert accounts_after(tmp_path) == ["account 0"]


def test_two_sandboxes_do_not_keep_one_file(tmp_path: Path) -> None:
    accounts_after(tmp_path)
    (_, first), (second_sandbox, second) = begun(tmp_path / "sandbox.json"), begun(tmp_path / "sandbox.json")
    with keeping(first):
        second_sandbox.reset()
        with pytest.raises(NotReady, match="another sandbox keeps its data in"), keeping(second):
            raise AssertionError("the file is kept by the first")

    assert accounts_after(tmp_path) == ["account 0"]


def test_a_folder_that_goes_away_is_said_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    _, keeper = begun(folder / "sandbox.json")
    with pytest.raises(NotReady, match=r"sandbox\.json cannot be written: No such file"), keeping(keeper):
        shutil.rmtree(folder)


def test_files_that_cannot_be_used_are_named(shell: Shell) -> None:
    def said(*options: str) -> str:
        ended = shell.run("sandbox", *options)
        assert (ended.status, ended.output) == (1, "")
        return ended.errors

    (shell.folder / "bad.toml").write_text("[[application]]\nname = 'A'\n")
    (shell.folder / "old.json").write_text("{}")
    assert said("--catalogue", "bad.toml") == "cobalt-mirror: bad.toml: application.0.slug: Field required\n"
    assert said("--state", "old.json") == (
        "cobalt-mirror: old.json cannot be used: it is no state of this release's sandbox; "
        "begin without its data with --fresh\n"
    )
    assert said("--state", "old.json/no") == "cobalt-mirror: old.json/no cannot be read: Not a directory\n"
    assert "cannot be written" in said("--port", "0", "--state", "old.json/no", "--fresh")
    assert (shell.folder / "old.json").read_text() == "{}"
    assert "COBALT_API_KEY is not set" in said("import", "own.toml")
    assert shell.run("sandbox", "--in-memory", "--fresh").status == 2
    assert shell.run("up", "--fresh").status == 2


def test_a_mirror_with_accounts_is_told_what_an_empty_sandbox_means(mirror: Shell, engine: Engine) -> None:
    settings = Settings(database_url=mirror.variables["DATABASE_URL"])
    assert describe_accounts_from_before(settings) is None
    with engine.begin() as connection:
        rows = [{"linked_account_id": "acme", "status": "active"}, {"linked_account_id": "gone", "status": "deleted"}]
        connection.execute(insert(tables.linked_accounts), rows)

    said = describe_accounts_from_before(settings)
    assert said is not None
    assert "the mirror has active accounts from before (1)" in said
    assert f"delete {mirror.folder / 'mirror.db'}" in said


def test_up_says_before_anything_runs_what_an_empty_sandbox_means_for_the_mirror(mirror: Shell, engine: Engine) -> None:
    accounts_after(mirror.folder)
    with engine.begin() as connection:
        connection.execute(insert(tables.linked_accounts), [{"linked_account_id": "acme", "status": "active"}])
    (mirror.folder / "Procfile").write_text("only: echo processes run; exec sleep 600\n")
    up = ("up", "--sandbox", "--sandbox-port", "0", "--procfile", "Procfile")

    def said_by(*options: str) -> str:
        with mirror.start(*up, *options, WEB_PORT="0") as running:
            said = read_until(running, "processes run")
            running.terminate()
            running.communicate(timeout=40)
        return said

    assert "warning" not in said_by()
    said = said_by("--fresh")
    warning = "warning: the sandbox begins empty, but the mirror has active accounts from before (1)"
    assert warning in said
    assert said.index(warning) < said.index("processes run")
    sandbox = make_sandbox(None)
    load_state(sandbox, mirror.folder / "sandbox.json", fresh=False)
    assert sandbox.state()["accounts"] == []
