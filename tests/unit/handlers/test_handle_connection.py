"""What one attempt at a connection does at Cobalt, by what is connected there and which events wait."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.events import ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from tests.unit.entries import ACCOUNT, SLUG, at, authorized, changed, removed
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.mirrored import assert_as_at_cobalt, recorded
from tests.unit.handlers.subjects import ended_as, findings

OAUTH, KEY, NEWER = ("oauth2", 1), ("keybased", 2), ("oauth2", 20)
MICRO = 0.000001
EPIC = {"fields": {"project": "EPIC"}}


def done(id_: str, second: float, *, total: bool, **columns: Any) -> Entry:
    """A removal that is done."""
    return removed(id_, second, status="done", effect={"total": total, "disconnected": []}, **columns)


#: What is connected and since when, whether the mirror shows a config, the events; how they end, and what is written.
ROWS = [
    # removals
    pytest.param([], False, [removed("r", 10)], {"r": "snooze"}, [], id="a removal of what does not show yet"),
    pytest.param([], False, [removed("r", 10, recorded_at=at(0))], {"r": "done"}, [], id="it will never show"),
    pytest.param(
        [], False, [removed("r", 10, recorded_at=at(MICRO))], {"r": "snooze"}, [], id="it may show for a moment more"
    ),
    pytest.param([], False, [removed("r", 10, looks=3)], {"r": "done"}, [], id="it was looked for three times"),
    pytest.param(
        [],
        False,
        [removed("r", 10), changed("c", 11, EPIC)],
        {"r": "snooze", "c": "snooze"},
        [],
        id="a change waits with a removal of what does not show yet",
    ),
    pytest.param([], True, [removed("r", 10)], {"r": "done"}, ["delete_integration"], id="only a config is left over"),
    pytest.param([OAUTH], False, [removed("r", 10)], {"r": "done"}, ["delete_integration"], id="a removal"),
    pytest.param(
        [OAUTH, KEY], False, [removed("r", 10)], {"r": "done"}, ["delete_integration"] * 2, id="a removal of both"
    ),
    pytest.param(
        [OAUTH, KEY],
        True,
        [removed("r", 10, auth_type="oauth2")],
        {"r": "done"},
        ["delete_integration"],
        id="a removal of one of two",
    ),
    pytest.param([NEWER], True, [removed("r", 10)], {"r": "done"}, [], id="a removal, and what is there is newer"),
    pytest.param(
        [OAUTH, NEWER],
        True,
        [removed("r", 10), removed("s", 21)],
        {"r": "done", "s": "done"},
        ["delete_integration"],
        id="two removals of what was connected twice",
    ),
    # authorisations
    pytest.param([OAUTH], False, [authorized("a", 5)], {"a": "done"}, ["find_or_create_config"], id="an authorisation"),
    pytest.param(
        [OAUTH], True, [authorized("a", 5)], {"a": "done"}, [], id="an authorisation, and its config is there"
    ),
    pytest.param([], False, [authorized("a", 25)], {"a": "snooze"}, [], id="an authorisation that does not show yet"),
    pytest.param([], False, [authorized("a", -5)], {"a": "done"}, [], id="an authorisation that will never show"),
    pytest.param(
        [KEY],
        False,
        [authorized("a", -5, auth_type="oauth2")],
        {"a": "done"},
        ["find_or_create_config"],
        id="another one shows, and gets its config",
    ),
    pytest.param(
        [KEY],
        False,
        [authorized("a", 25, auth_type="oauth2")],
        {"a": "snooze"},
        [],
        id="another one shows, and this one may come",
    ),
    # changes
    pytest.param(
        [OAUTH],
        False,
        [changed("c", 5), changed("d", 6, EPIC)],
        {"c": "superseded", "d": "done"},
        ["find_or_create_config", "replace_config"],
        id="an empty change and one with content",
    ),
    pytest.param(
        [OAUTH],
        True,
        [changed("c", 5, EPIC)],
        {"c": "done"},
        ["find_or_create_config", "replace_config"],
        id="a change",
    ),
    pytest.param(
        [OAUTH],
        True,
        [changed("c", 5, EPIC), changed("d", 6, EPIC)],
        {"c": "superseded", "d": "done"},
        ["find_or_create_config", "replace_config"],
        id="two changes",
    ),
    pytest.param(
        [OAUTH],
        False,
        [authorized("a", 5), changed("c", 6, EPIC)],
        {"a": "done", "c": "done"},
        ["find_or_create_config", "replace_config"],
        id="an authorisation and a change find the config once",
    ),
    # both
    pytest.param(
        [OAUTH],
        False,
        [authorized("a", 5), changed("c", 6, EPIC), removed("r", 10)],
        {"a": "superseded", "c": "superseded", "r": "done"},
        ["delete_integration"],
        id="all before a removal is moot",
    ),
    pytest.param(
        [OAUTH],
        False,
        [changed("c", 6, EPIC), removed("r", 10), changed("d", 11, EPIC)],
        {"c": "superseded", "r": "done", "d": "done"},
        ["delete_integration", "find_or_create_config", "replace_config"],
        id="a change after a removal",
    ),
    pytest.param(
        [OAUTH, KEY],
        True,
        [changed("c", 6, EPIC), removed("r", 10, auth_type="oauth2")],
        {"c": "done", "r": "done"},
        ["delete_integration", "find_or_create_config", "replace_config"],
        id="a removal of one of two makes nothing moot",
    ),
    pytest.param(
        [NEWER],
        True,
        [changed("c", 6, EPIC), removed("r", 10)],
        {"c": "done", "r": "done"},
        ["find_or_create_config", "replace_config"],
        id="a removal of nothing makes nothing moot",
    ),
    # others are done
    pytest.param(
        [],
        False,
        [changed("c", 5, EPIC), done("r", 10, total=True)],
        {"c": "superseded"},
        [],
        id="late: a total removal is done",
    ),
    pytest.param(
        [KEY],
        False,
        [changed("c", 5, EPIC), done("r", 10, total=False)],
        {"c": "done"},
        ["find_or_create_config", "replace_config"],
        id="late: a removal that left something is done",
    ),
    pytest.param(
        [OAUTH],
        True,
        [removed("r", 10), changed("c", 11, EPIC, status="done")],
        {"r": "done"},
        ["delete_integration", "find_or_create_config", "replace_config"],
        id="late: a removal does not undo what is newer",
    ),
    pytest.param(
        [OAUTH],
        True,
        [removed("r", 10), changed("c", 9, EPIC, status="done")],
        {"r": "done"},
        ["delete_integration"],
        id="late: a removal undoes what is older",
    ),
    pytest.param(
        [OAUTH],
        True,
        [removed("r", 10), changed("c", 11, EPIC, status="dead", effect={"config": True})],
        {"r": "done"},
        ["delete_integration", "find_or_create_config"],
        id="late: a refused change has its config all the same",
    ),
    pytest.param(
        [],
        True,
        [removed("r", 10, effect={"deleted": True}), changed("c", 11, EPIC, status="done")],
        {"r": "done"},
        ["delete_integration", "find_or_create_config", "replace_config"],
        id="an earlier attempt came as far as the DELETE",
    ),
    pytest.param(
        [],
        False,
        [removed("q", 9), removed("r", 10, effect={"deleted": True}), changed("c", 11, EPIC, status="done")],
        {"q": "done", "r": "done"},
        ["find_or_create_config", "replace_config"],
        id="an earlier attempt deleted all that was there",
    ),
    pytest.param(
        [],
        False,
        [removed("r", 10, looks=3), changed("c", 11, EPIC, status="done")],
        {"r": "done"},
        [],
        id="late: nothing was removed, so nothing is done again",
    ),
    pytest.param(
        [OAUTH, KEY],
        True,
        [removed("r", 10, auth_type="oauth2"), changed("c", 11, EPIC, status="done")],
        {"r": "done"},
        ["delete_integration"],
        id="late: something is left, so nothing is done again",
    ),
    pytest.param(
        [OAUTH],
        True,
        [changed("c", 5, EPIC), changed("d", 11, EPIC, status="done")],
        {"c": "done"},
        ["find_or_create_config"],
        id="late: what a later change set stays set",
    ),
    pytest.param(
        [OAUTH],
        True,
        [removed("r", 10), changed("c", 9, EPIC, status="dead", effect={"config": True})],
        {"r": "done"},
        ["delete_integration"],
        id="late: an older refused change is not done again",
    ),
    pytest.param(
        [OAUTH],
        True,
        [removed("r", 10), changed("c", 11, EPIC, status="dead")],
        {"r": "done"},
        ["delete_integration"],
        id="late: a refused change that made no config is not done again",
    ),
]


@pytest.mark.parametrize(("connected", "has_config", "entries", "outcomes", "writes"), ROWS)
def test_an_attempt_writes_what_its_events_ask_for(
    *,
    connected: Sequence[tuple[str, float]],
    has_config: bool,
    entries: Sequence[Entry],
    outcomes: dict[str, str],
    writes: list[str],
    sandbox: Sandbox,
    clock: Clock,
    client: Client,
    calling: Callable[[str], Caller],
) -> None:
    client.upsert_account(ACCOUNT)
    for auth_type, second in connected:
        clock.second = second
        sandbox.connect(ACCOUNT, SLUG, auth_type=auth_type)
    if has_config:
        client.config(ACCOUNT, SLUG)
    sandbox.reset_ledger()
    pending = [entry for entry in entries if entry.logged.status == "pending"]
    ended = [entry for entry in entries if entry not in pending]
    notified_at = [at(second) for _, second in connected]
    configs = [ACCOUNT] if has_config else []
    found = findings(*pending, ended=ended, second=30, configs=configs, notified_at=notified_at)
    handle_connection(found.loaded, calling(SLUG), found)

    assert ended_as(found) == outcomes
    assert [call.route for call in sandbox.calls() if call.method != "GET"] == writes
    assert {call.status for call in sandbox.calls()} <= {200}
    assert_as_at_cobalt(found, client)
    is_disconnected = "delete_integration" in writes and not client.fetch_application(ACCOUNT, SLUG).connected_accounts
    is_waiting = "snooze" in outcomes.values() and any(isinstance(entry.event, ConnectionRemoved) for entry in pending)
    has_touched = "find_or_create_config" in writes or (has_config and is_disconnected)
    assert set(recorded(found, "configs")) == ({ACCOUNT} if has_touched else set())
    was_deleted = any((entry.logged.effect or {}).get("deleted") for entry in pending)
    if is_waiting:
        return
    for entry in [entry for entry in pending if isinstance(entry.event, ConnectionRemoved)]:
        assert found.effects[entry.logged.key]["deleted"] is (is_disconnected or was_deleted)
