"""Whether a connection was made anew since the mirror read it, and what an attempt then reads."""

from collections.abc import Callable, Sequence

import pytest

from cobalt_mirror.cobalt import Client, ServerError
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db.rows import ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.identity import Link
from cobalt_mirror.workers.handlers.recreation import Seen, compare_links, is_made_anew
from tests.unit.entries import ACCOUNT, SLUG, authorized
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.links import link
from tests.unit.handlers.mirrored import assert_as_at_cobalt, recorded
from tests.unit.handlers.subjects import findings

ONE, MOVED = link(1), link(9)
KEY, KEY_MOVED = link(2, auth_type="keybased"), link(9, auth_type="keybased")
C1, C1_MOVED, C2 = link(1, connection_id="c1"), link(9, connection_id="c1"), link(2, connection_id="c2")

#: What the mirror shows connected, what a read shows.
SEEN = [
    pytest.param([], [], Seen.SAME, id="nothing, and nothing"),
    pytest.param([], [ONE], Seen.SAME, id="the first connection"),
    pytest.param([ONE], [ONE], Seen.SAME, id="nothing moved"),
    pytest.param([ONE], [MOVED], Seen.UNCLEAR, id="its time moved"),
    pytest.param([ONE], [], Seen.ANOTHER, id="it is gone"),
    pytest.param([ONE, KEY], [ONE], Seen.SAME, id="one of two is gone"),
    pytest.param([ONE, KEY], [MOVED, KEY], Seen.SAME, id="one of two moved"),
    pytest.param([ONE, KEY], [MOVED, KEY_MOVED], Seen.UNCLEAR, id="both moved"),
    pytest.param([ONE], [KEY], Seen.UNCLEAR, id="another auth type in its place"),
    pytest.param([ONE], [ONE, KEY], Seen.SAME, id="another one beside it"),
    pytest.param([C1], [C1], Seen.SAME, id="an id, and nothing moved"),
    pytest.param([C1], [C1_MOVED], Seen.SAME, id="an id stays when its time moves"),
    pytest.param([C1], [C2], Seen.ANOTHER, id="another id"),
    pytest.param([C1], [], Seen.ANOTHER, id="an id is gone"),
    pytest.param([C1, C2], [C2], Seen.ANOTHER, id="one id of two is gone"),
    pytest.param([C1], [C1, C2], Seen.SAME, id="another id beside it"),
    pytest.param([], [C1], Seen.SAME, id="the first id"),
    pytest.param([ONE], [C1], Seen.ANOTHER, id="it has come to have an id"),
]


@pytest.mark.parametrize(("mirrored", "shown", "expected"), SEEN)
def test_a_read_shows_the_same_connection_or_another(
    mirrored: Sequence[Link], shown: Sequence[Link], expected: Seen
) -> None:
    assert compare_links(mirrored, shown) is expected


@pytest.mark.parametrize(
    ("mirrored", "created", "expected"),
    [
        pytest.param([ONE], link(0), False, id="created before"),
        pytest.param([ONE], link(1), False, id="created when it was connected"),
        pytest.param([ONE], link(1.000001), True, id="created a microsecond after it"),
        pytest.param([ONE, KEY], link(1.5), False, id="after the first of two"),
        pytest.param([ONE, KEY], link(2.5), True, id="after both"),
        pytest.param([ONE], None, True, id="Cobalt does not say"),
        pytest.param([Link("oauth2", None)], link(1), True, id="the mirror does not know when it was connected"),
    ],
)
def test_only_what_was_created_after_all_that_was_seen_is_made_anew(
    mirrored: Sequence[Link], created: Link | None, expected: bool
) -> None:
    assert is_made_anew(mirrored, None if created is None else created.connected_at) is expected


# --- an attempt -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disconnects", "calls"),
    [
        (True, ["read_application", "read_account", "list_configs", "read_config", "find_or_create_config"]),
        (False, ["read_application", "read_account"]),
    ],
    ids=["disconnected and connected again", "connected again, or its token renewed"],
)
@pytest.mark.parametrize("fails", [False, True])
def test_an_authorisation_makes_the_config_anew_that_went_with_the_connection(
    *,
    disconnects: bool,
    calls: list[str],
    fails: bool,
    client: Client,
    sandbox: Sandbox,
    clock: Clock,
    calling: Callable[[str], Caller],
) -> None:
    client.upsert_account(ACCOUNT)
    clock.second = 1
    sandbox.connect(ACCOUNT, SLUG)
    client.config(ACCOUNT, SLUG)
    if disconnects:
        sandbox.disconnect(ACCOUNT, SLUG)
    clock.second = 9
    sandbox.connect(ACCOUNT, SLUG)
    sandbox.reset_ledger()
    row = ConnectionRow(
        linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus.CONNECTED, accounts=[ONE.as_json()]
    )
    found = findings(authorized("a", 9), second=10, configs=[ACCOUNT], connection=row)
    if fails and disconnects:
        sandbox.add_faults(Fault(route="list_configs", times=1))
        with pytest.raises(ServerError):
            handle_connection(found.loaded, calling(SLUG), found)
        assert recorded(found, "connections") == {}  # so the next attempt sees it again
        return
    handle_connection(found.loaded, calling(SLUG), found)

    assert [call.route for call in sandbox.calls()] == calls
    assert client.fetch_config(ACCOUNT, SLUG).config_id == ACCOUNT
    assert_as_at_cobalt(found, client)


def test_an_adopted_connection_that_an_event_has_read_has_its_configs_read_next(
    client: Client, sandbox: Sandbox, calling: Callable[[str], Caller]
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    row = ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus.CONNECTED, accounts=None)
    found = findings(authorized("a"), connection=row)
    handle_connection(found.loaded, calling(SLUG), found)

    assert [check.slug for check in found.checks] == [SLUG]
