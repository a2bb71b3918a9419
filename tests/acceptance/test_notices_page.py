"""docs/notices.md: its code works as written, and its tables are complete."""

import json
import re
import sys
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import insert, text

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.notices import Content
from cobalt_mirror.db.statuses import ReceiverKind
from cobalt_mirror.db.tables import receivers
from cobalt_mirror.workers.endpoints import DEFAULT_TYPES, make_endpoint, read_endpoints
from cobalt_mirror.workers.notices.handlers import load_handlers
from cobalt_mirror.workers.notices.notice import Notice, make_body, make_notice
from cobalt_mirror.workers.notices.signing import signed_headers
from cobalt_mirror.workers.settings import Settings
from tests.acceptance.reader import type_in
from tests.commands import Shell
from tests.pages import NOTICES, block, blocks, rows
from tests.unit.notices.rows import NOON, notice
from tests.unit.notices.test_endpoints import SECRET
from tests.world import World


def made() -> Notice:
    content = Content(name="Acme Ltd", udf={"email": "ann@acme.example"})
    return make_notice(notice(), content, reconnect_url="https://mirror.test/reconnect/x")


def module_of(code: str, name: str) -> dict[str, Any]:
    """Run code as a module."""
    module = sys.modules[name] = ModuleType(name)
    exec(code, module.__dict__)
    return module.__dict__


def test_the_receiver_verifies_and_knows_whom_to_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICES_SECRET", SECRET)
    receive = module_of(block(NOTICES, "python", "Webhook("), "page_receiver")["receive"]
    body, endpoint = make_body(made()), make_endpoint("default", "https://app.test/", SECRET, "")
    headers = signed_headers(endpoint.secrets, id_="msg_1", at=datetime.now(UTC), body=body)

    assert receive(body, headers) == "mail ann@acme.example: slack needs you, see https://mirror.test/reconnect/x"
    with pytest.raises(Exception, match="No matching signature"):
        receive(body.replace(b"ann@", b"bob@"), headers)


def test_the_body_has_the_fields_of_the_example() -> None:
    example, ours = json.loads(block(NOTICES, "json", "reconnect_url")), json.loads(make_body(made()))

    assert list(ours) == list(example)
    assert list(ours["data"]) == list(example["data"])
    assert list(ours["data"]["account"]) == list(example["data"]["account"])
    table = " ".join(cells[0] for cells in rows(NOTICES, "| field | what it is |"))
    assert set(re.findall(r"`data\.(\w+)`", table)) == set(ours["data"])


def test_the_handler_works_as_written(world: World) -> None:
    module_of(block(NOTICES, "python", "@on("), "page_handler")
    (handler,) = [each for each in load_handlers(["page_handler"]) if each.name == "page_handler.ask_to_reconnect"]
    with world.engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox (account text, slug text, type text, url text)"))
        handler.function(made(), connection)

    with reading(world.engine).begin() as connection:
        assert connection.execute(text("SELECT * FROM outbox")).all() == [
            ("acme", "slack", "connection.reauth_required", "https://mirror.test/reconnect/x")
        ]


def test_its_settings_and_commands_work(world: World, shell: Shell) -> None:
    exports, commands = blocks(NOTICES, "sh")
    with world.engine.begin() as connection:
        row = {"name": "default", "kind": ReceiverKind.ENDPOINT, "position": 0, "added_at": NOON}
        connection.execute(insert(receivers).values(**row))
    said = 'printf "%s %s" "$NOTICES_URL" "$NOTICES_SECRET"'

    done = type_in(shell, f"{exports}\n{commands}\n{said}", DATABASE_URL=world.database_url)

    assert (done.returncode, done.stderr) == (0, "")
    *output, last = done.stdout.splitlines()
    assert output == ["endpoint default: taken: none yet", "default is enabled; 0 notices to deliver"]
    url, secret = last.split()
    (endpoint,) = Settings(notices_url=url, notices_secret=secret).endpoints()
    assert endpoint.origin == "https://app.example.com"


def test_several_endpoints_are_read_as_written() -> None:
    written = block(NOTICES, "json", "crm").replace("whsec_…", SECRET)

    (crm,) = read_endpoints(written)

    assert (crm.name, crm.origin) == ("crm", "https://crm.example.com")
    assert Settings(notices_endpoints=written.strip()).endpoints() == (crm,)


def test_the_usual_types_are_listed() -> None:
    assert [cells[0].strip("`") for cells in rows(NOTICES, "| type | who has to act |")] == list(DEFAULT_TYPES)
