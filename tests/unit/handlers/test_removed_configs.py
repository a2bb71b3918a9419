"""What removals and empty changes of configs do at Cobalt and in the mirror, in order and out of order."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, ServerError, UnknownConfig
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from tests.unit.entries import ACCOUNT, SLUG, authorized, changed, config_removed, removed
from tests.unit.handlers.mirrored import assert_as_at_cobalt, recorded
from tests.unit.handlers.subjects import CHECK, ended_as, findings

Calling = Callable[[str], Caller]
READ, FIND, PUT, DELETE = "read_config", "find_or_create_config", "replace_config", "delete_config"
D = config_removed("d", 10)


def change(id_: str, second: float, **columns: Any) -> Entry:
    return changed(id_, second, {"fields": {"project": id_}}, **columns)


#: Whether Cobalt and the mirror have the config, the events; how those that wait end, the calls about configs, what the
#: config holds then (None: there is none), and whether the mirror has a new row of it.
ROWS = [
    # empty changes
    pytest.param(True, True, [changed("e", 5)], "e:done", [READ], "old", True, id="an empty change reads"),
    pytest.param(True, False, [changed("e", 5)], "e:done", [READ], "old", True, id="one that the mirror did not know"),
    pytest.param(
        False, True, [changed("e", 5)], "e:snooze", [READ], None, False, id="one that is gone is looked at again"
    ),
    pytest.param(
        False, True, [changed("e", 5, looks=3)], "e:done", [READ], None, True, id="one that is gone at the last look"
    ),
    pytest.param(False, False, [changed("e", 5)], "e:done", [READ], None, False, id="one that never was is not made"),
    pytest.param(
        False,
        True,
        [changed("e", 5), change("f", 6)],
        "e:superseded f:done",
        [FIND, PUT],
        "f",
        True,
        id="with a change",
    ),
    pytest.param(
        True, True, [authorized("a", 4), changed("e", 5)], "a:done e:done", [READ], "old", True, id="with its consent"
    ),
    pytest.param(
        False,
        False,
        [authorized("a", 4), changed("e", 5)],
        "a:done e:done",
        [FIND],
        "",
        True,
        id="the consent makes it",
    ),
    # removals
    pytest.param(True, True, [D], "d:done", [DELETE], None, True, id="a removal"),
    pytest.param(True, False, [D], "d:done", [DELETE], None, True, id="of one that the mirror did not know"),
    pytest.param(False, True, [D], "d:done", [DELETE, READ], None, True, id="of one that is gone already"),
    pytest.param(False, False, [D], "d:done", [DELETE], None, False, id="of one that never was"),
    pytest.param(True, True, [change("c", 9), D], "c:superseded d:done", [DELETE], None, True, id="after a change"),
    pytest.param(True, True, [D, change("f", 11)], "d:done f:done", [DELETE, FIND, PUT], "f", True, id="then a change"),
    pytest.param(
        True,
        True,
        [D, changed("e", 11)],
        "d:done e:done",
        [DELETE],
        None,
        True,
        id="then an empty one: nothing is made",
    ),
    pytest.param(
        True, True, [authorized("a", 9), D], "a:done d:done", [DELETE], None, True, id="a consent before it makes none"
    ),
    pytest.param(
        True, True, [D, authorized("a", 11)], "d:done a:done", [DELETE, FIND], "", True, id="a consent after it does"
    ),
    pytest.param(
        True, True, [D, removed("r", 12)], "d:superseded r:done", [], None, True, id="then it is disconnected"
    ),
    # what comes late
    pytest.param(
        True,
        True,
        [D, change("f", 11, status="done")],
        "d:done",
        [DELETE, FIND, PUT],
        "f",
        True,
        id="late: what is newer is done again",
    ),
    pytest.param(
        True, True, [D, change("c", 9, status="done")], "d:done", [DELETE], None, True, id="late: what is older is not"
    ),
    pytest.param(
        True,
        True,
        [D, authorized("a", 11, status="done")],
        "d:done",
        [DELETE, FIND],
        "",
        True,
        id="late: a newer consent has its config",
    ),
    pytest.param(
        True,
        True,
        [change("c", 9), config_removed("d", 10, status="done")],
        "c:superseded",
        [],
        "old",
        False,
        id="late: a change of what was removed since",
    ),
    pytest.param(
        False,
        False,
        [authorized("a", 9), config_removed("d", 10, status="done")],
        "a:done",
        [],
        None,
        False,
        id="late: a consent does not make what was removed since",
    ),
]


@pytest.mark.parametrize(("at_cobalt", "mirrored", "entries", "ends", "calls", "value", "is_recorded"), ROWS)
def test_what_becomes_of_the_config(
    *,
    at_cobalt: bool,
    mirrored: bool,
    entries: list[Entry],
    ends: str,
    calls: list[str],
    value: str | None,
    is_recorded: bool,
    client: Client,
    sandbox: Sandbox,
    calling: Calling,
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    if at_cobalt:
        client.config(ACCOUNT, SLUG)
        client.update_config(ACCOUNT, SLUG, fields={"project": "old"}, workflows=[])
    sandbox.reset_ledger()
    found = attempt(calling, entries, configs=[ACCOUNT] if mirrored else [])

    assert " ".join(f"{id_}:{end}" for id_, end in sorted(ended_as(found).items())) == " ".join(sorted(ends.split()))
    assert [call.route for call in sandbox.calls() if "config" in call.route] == calls
    if value is None:
        with pytest.raises(UnknownConfig):
            client.fetch_config(ACCOUNT, SLUG)
    else:
        assert client.fetch_config(ACCOUNT, SLUG).values.get("project", "") == value
    assert set(recorded(found, "configs")) == ({ACCOUNT} if is_recorded else set())
    assert_as_at_cobalt(found, client)


def attempt(calling: Calling, entries: list[Entry], **more: Any) -> Any:
    pending = [entry for entry in entries if entry.logged.status == "pending"]
    found = findings(*pending, ended=[entry for entry in entries if entry not in pending], second=60, **more)
    handle_connection(found.loaded, calling(SLUG), found)
    return found


def test_a_removal_that_cobalt_refuses_is_dead_and_the_change_before_it_waits_for_the_next_attempt(
    client: Client, sandbox: Sandbox, calling: Calling
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.add_faults(Fault(route=DELETE, status=HTTPStatus.UNPROCESSABLE_ENTITY))
    found = attempt(calling, [change("c", 9), D])

    assert ended_as(found) == {"d": "dead"}
    assert found.outcomes[D.logged.key].move == "operator"


def test_a_removal_whose_newer_change_fails_is_carried_out_again(
    client: Client, sandbox: Sandbox, calling: Calling
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.add_faults(Fault(route=FIND, times=1))
    found = findings(D, ended=[change("f", 11, status="done")], second=60, configs=[ACCOUNT])
    with pytest.raises(ServerError):
        handle_connection(found.loaded, calling(SLUG), found)

    assert found.outcomes == {}
    attempt(calling, [D, change("f", 11, status="done")])
    assert client.fetch_config(ACCOUNT, SLUG).values["project"] == "f"


def test_a_consent_makes_anew_what_the_mirror_wrongly_shows_if_the_connection_is_read_anyway(
    client: Client, sandbox: Sandbox, calling: Calling
) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    found = attempt(calling, [authorized("a", 5)], configs=[ACCOUNT], check=CHECK)

    assert client.fetch_config(ACCOUNT, SLUG).config_id == ACCOUNT
    assert_as_at_cobalt(found, client)
