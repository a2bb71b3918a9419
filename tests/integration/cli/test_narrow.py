"""At 80 columns every table is readable: no line is longer, but for an id, which is whole."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert

from cobalt_mirror.db.tables import receivers
from tests.commands import Shell
from tests.integration.cli.rows import NOW, add_event

ACCOUNT = "0190f5a2-7c1e-7a3b-9c4d-5e6f70819203"
ID = f"evt_{ACCOUNT}"
LONG_ID = "order-" + "0190f5a2" * 12
REASON = "POST /api/v2/public/config: Cobalt refused the request; a retry does not help: 422 FIELD_REQUIRED"

pytestmark = pytest.mark.usefixtures("customer", "events")


@pytest.fixture
def events(engine: Engine) -> None:
    """Dead events with ids as programs make them, and a receiver that is disabled."""
    for id_ in (ID, LONG_ID):
        dead = {"slug": "slack", "status": "dead", "last_error": REASON, "move": "customer", "finished_at": NOW}
        add_event(engine, id_, linked_account_id=ACCOUNT, **dead)
    row = {
        "kind": "endpoint",
        "name": "default",
        "position": 0,
        "added_at": NOW - timedelta(days=5),
        "disabled_at": NOW - timedelta(hours=5),
        "disabled_because": "POST https://app.example.com/hooks/cobalt-mirror: 410 Gone, which says that it is no more",
    }
    with engine.begin() as connection:
        connection.execute(insert(receivers).values(**row))


@pytest.mark.parametrize(
    "command",
    ["dead list", "dead replay --all --dry-run", "events list", f"events show {ID}", f"show {ACCOUNT}", "show acme"],
)
def test_a_table_fits_and_its_ids_are_whole(mirror: Shell, command: str) -> None:
    lines = mirror.run(*command.split(), COLUMNS="80").output.splitlines()

    assert [line for line in lines if len(line) > 80 and LONG_ID not in line] == []
    for id_ in {ACCOUNT: [ACCOUNT], ID: [ID], LONG_ID: [ID, LONG_ID]}.get(command.rsplit(maxsplit=1)[-1], []):
        assert any(id_ in line for line in lines), id_


@pytest.mark.parametrize("command", ["notices list", "changes", "explain acme"])
def test_lines_go_on_below_their_beginning(mirror: Shell, command: str) -> None:
    ended = mirror.run(*command.split(), COLUMNS="80")

    assert ended.output.count("\n") > 1
    assert [line for line in ended.output.splitlines() if len(line) > 80] == []
