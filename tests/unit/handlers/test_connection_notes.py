"""What an attempt at a connection notes beside its writes: the account, what is gone with it, and why."""

from collections.abc import Callable
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, UnknownApplication
from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.db.rows import ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from tests.unit.entries import ACCOUNT, SLUG, at, authorized, changed, config_removed, removed
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.mirrored import DELETED, recorded
from tests.unit.handlers.subjects import CHECK, ended_as, findings

Calling = Callable[[str], Caller]

CHANGE = {"fields": {"project": "EPIC"}}
#: The account's row, the event that waits, whether a check is due; the outcome, what is looked at, the writes.
ABSENT = [
    pytest.param("missing", removed("r"), False, "done", [], [], id="a removal of an account that is known to be gone"),
    pytest.param(None, removed("r"), False, "done", [], [], id="a removal of an account that never was"),
    pytest.param("missing", None, True, None, [], [], id="a check of an account that is known to be gone"),
    pytest.param(
        None,
        changed("c", 0, CHANGE),
        False,
        "done",
        [],
        ["find_or_create_config", "upsert_account", "find_or_create_config", "replace_config"],
        id="a change makes the account",
    ),
    pytest.param(None, changed("c"), False, "done", [], [], id="an empty change makes nothing"),
    pytest.param(None, config_removed("c"), False, "done", [], ["delete_config"], id="nor does a config's removal"),
    pytest.param(
        None, authorized("a", 25), False, "snooze", [], ["upsert_account"], id="an authorisation makes it as well"
    ),
    pytest.param(
        "pending",
        changed("c", 0, CHANGE),
        False,
        "done",
        [],
        ["find_or_create_config", "upsert_account", "find_or_create_config", "replace_config"],
        id="one whose sign-up waits",
    ),
]


@pytest.mark.parametrize(("account", "entry", "is_checked", "verdict", "looks", "writes"), ABSENT)
def test_only_what_wants_an_account_makes_it(
    *,
    account: str | None,
    entry: Entry | None,
    is_checked: bool,
    verdict: str | None,
    looks: list[str],
    writes: list[str],
    sandbox: Sandbox,
    calling: Calling,
) -> None:
    pending = [] if entry is None else [entry]
    found = findings(*pending, second=30, account=account, check=CHECK if is_checked else None)
    handle_connection(found.loaded, calling(SLUG), found)

    assert list(ended_as(found).values()) == ([] if verdict is None else [verdict])
    assert [check.slug for check in found.checks] == looks
    assert [call.route for call in sandbox.calls() if call.method != "GET"] == writes


def test_what_a_missing_account_had_is_gone_with_it(calling: Calling) -> None:
    connection = ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus.CONNECTED)
    for account, is_gone in (("missing", True), (None, False)):
        found = findings(removed("r"), account=account, configs=["a", "b"], connection=connection)
        handle_connection(found.loaded, calling(SLUG), found)

        assert [row["status"] for row in recorded(found, "connections").values()] == ["disconnected"] * is_gone
        assert recorded(found, "configs") == ({"a": DELETED, "b": DELETED} if is_gone else {})


def test_the_removals_of_an_account_that_is_gone_are_kept_as_if_they_had_removed_it(calling: Calling) -> None:
    late, effect = removed("q", -9), {"total": True, "disconnected": []}
    found = findings(late, removed("r"), ended=[removed("s", 9, status="done")], account=None)
    handle_connection(found.loaded, calling(SLUG), found)

    assert found.effects == {("host", id_): effect for id_ in "qrs"}


def test_an_application_that_is_not_enabled_ends_an_attempt_for_events_only(
    calling: Calling, client: Client, sandbox: Sandbox
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.disable_application(SLUG)
    found = findings(check=CHECK)
    handle_connection(found.loaded, calling(SLUG), found)
    assert found.changes == []

    found = findings(authorized("a"), check=CHECK)
    with pytest.raises(UnknownApplication):
        handle_connection(found.loaded, calling(SLUG), found)


# --- the account ------------------------------------------------------------------------------------------------------

#: The account's row, what waits, what is recorded of the account and whether it is to be read.
ACCOUNTS = [
    pytest.param("active", [authorized("a")], [], [], id="the mirror has its row"),
    pytest.param(None, [authorized("a")], [], [""], id="the mirror has no row of it"),
    pytest.param(
        "active", [changed("c", -1, CHANGE)], [], [], id="only what was removed later, and the mirror has its row"
    ),
    pytest.param(None, [changed("c", -1, CHANGE)], ["active"], [], id="only what was removed later, and it has no row"),
    pytest.param(None, [changed("c", -1)], [], [], id="what would have been read before it was removed"),
]


@pytest.mark.parametrize(("account", "pending", "statuses", "looks"), ACCOUNTS)
def test_an_account_of_which_the_mirror_has_no_row_is_read(
    *,
    account: str | None,
    pending: list[Entry],
    statuses: list[str],
    looks: list[str],
    calling: Calling,
    client: Client,
    sandbox: Sandbox,
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    done = removed("z", -0.5, status="done", effect={"total": True, "disconnected": []})
    found = findings(*pending, ended=[done], account=account)
    handle_connection(found.loaded, calling(SLUG), found)

    assert [row["status"] for row in recorded(found, "linked_accounts").values()] == statuses
    assert [check.slug for check in found.checks] == looks


# --- removals ---------------------------------------------------------------------------------------------------------

BOTH_STAY = "keybased, oauth2"
#: What is connected and since when, with the notification of it, the removals, and for each what it says to stay; None:
#: it says nothing.
MEANINGLESS = [
    pytest.param([("oauth2", 1)], [removed("r", 10)], [None], id="it removed something"),
    pytest.param([], [removed("r", 10, looks=3)], [None], id="nothing is connected"),
    pytest.param([("oauth2", 20), ("keybased", 21)], [removed("r", 10)], [BOTH_STAY], id="all is newer"),
    pytest.param([("keybased", 20), ("oauth2", 21)], [removed("r", 10)], [BOTH_STAY], id="in whatever order"),
    pytest.param([("oauth2", 1), ("keybased", 20)], [removed("r", 10)], ["keybased"], id="something is newer"),
    pytest.param(
        [("oauth2", 1), ("keybased", 20)],
        [removed("r", 10), removed("s", 11)],
        ["keybased", "keybased"],
        id="the second of two had nothing left to remove",
    ),
    pytest.param([("oauth2", 1)], [removed("r", 10), removed("s", 11)], [None, None], id="nothing stays"),
    pytest.param([("oauth2", 1)], [removed("r", 10, auth_type="keybased")], ["oauth2"], id="another one is named"),
    pytest.param([("oauth2", 1)], [removed("r", 10, connection_id="c")], ["oauth2"], id="an id that none has"),
]


@pytest.mark.parametrize(("connected", "removals", "staying"), MEANINGLESS)
def test_a_removal_that_means_none_of_what_is_connected_says_so(
    *,
    connected: list[tuple[str, float]],
    removals: list[Entry],
    staying: list[str | None],
    calling: Calling,
    client: Client,
    sandbox: Sandbox,
    clock: Clock,
) -> None:
    client.upsert_account(ACCOUNT)
    for auth_type, second in connected:
        clock.second = second
        sandbox.connect(ACCOUNT, SLUG, auth_type=auth_type)
    found = findings(*removals, second=30, notified_at=[at(second) for _, second in connected])
    handle_connection(found.loaded, calling(SLUG), found)

    for entry, kinds in zip(removals, staying, strict=True):
        detail = found.outcomes[entry.logged.key].detail
        assert (detail is None) if kinds is None else (detail is not None and detail.endswith(f": {kinds}"))
    assert set(ended_as(found).values()) == {"done"}


@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_what_a_write_that_may_be_late_has_made_is_removed(
    is_in_doubt: bool, calling: Calling, client: Client, sandbox: Sandbox
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.reset_ledger()
    found = findings(removed("r", looks=3), is_in_doubt=is_in_doubt)
    handle_connection(found.loaded, calling(SLUG), found)

    assert [call.route for call in sandbox.calls(method="DELETE")] == ["delete_integration"] * is_in_doubt


@pytest.mark.parametrize(("pending", "done"), [(11, 15), (15, 11)])
def test_what_is_done_again_after_a_late_removal_is_done_in_order(
    pending: float, done: float, calling: Calling, client: Client, sandbox: Sandbox
) -> None:
    def change(id_: str, second: float, **columns: Any) -> Entry:
        return changed(id_, second, {"fields": {"project": f"at {second}"}}, **columns)

    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    ended = [change("d", done, status="done")]
    found = findings(removed("r", 10), change("c", pending), ended=ended, second=30)
    handle_connection(found.loaded, calling(SLUG), found)

    assert client.fetch_config(ACCOUNT, SLUG).values["project"] == "at 15"
