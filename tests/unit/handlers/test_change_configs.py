"""What an attempt does about configs at Cobalt: which it reads, what it writes, and what a refusal leaves."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.config_reads import read_configs
from cobalt_mirror.workers.handlers.configs import change_config, change_configs
from cobalt_mirror.workers.handlers.connections import handle_connection, read_connection
from cobalt_mirror.workers.handlers.folding import Patch, WorkflowChange
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import ACCOUNT, SLUG, authorized, changed
from tests.unit.handlers.mirrored import DELETED, assert_as_at_cobalt, recorded
from tests.unit.handlers.subjects import CHECK, ended_as, findings

Calling = Callable[[str], Caller]


@pytest.fixture(autouse=True)
def _account(client: Client, sandbox: Sandbox) -> None:
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    sandbox.reset_ledger()


def routes(sandbox: Sandbox) -> list[str]:
    return [call.route for call in sandbox.calls()]


# --- reading ----------------------------------------------------------------------------------------------------------

#: The ids of the configs at Cobalt, of those in the mirror, of those that are known; those read, those that are gone.
READ = [
    pytest.param([], [], [], [], [], id="none anywhere"),
    pytest.param(["a"], ["a"], [], ["a"], [], id="one in both"),
    pytest.param(["a"], [], [], ["a"], [], id="one that the mirror does not show"),
    pytest.param([], ["a"], [], [], ["a"], id="one that is gone"),
    pytest.param(["a"], ["a"], ["a"], [], [], id="one that is known"),
    pytest.param([], ["a"], ["a"], [], [], id="one that is known to be gone"),
    pytest.param(["a", "c"], ["a", "b"], [], ["a", "c"], ["b"], id="one of each"),
    pytest.param(["a", "c"], ["a", "b"], ["a"], ["c"], ["b"], id="one of each, and one is known"),
]


@pytest.mark.parametrize(("at_cobalt", "mirrored", "known", "read", "gone"), READ)
def test_every_config_that_is_listed_or_mirrored_is_read_once(
    *,
    at_cobalt: list[str],
    mirrored: list[str],
    known: list[str],
    read: list[str],
    gone: list[str],
    client: Client,
    sandbox: Sandbox,
    calling: Calling,
) -> None:
    for config_id in at_cobalt:
        client.config(ACCOUNT, SLUG, config_id=config_id)
    sandbox.reset_ledger()
    found = findings(configs=mirrored)
    read_configs(calling(SLUG), found, known=[ConfigKey(id_) for id_ in known], is_expected=True)

    assert routes(sandbox) == ["list_configs", *["read_config"] * (len(read) + len(gone))]
    assert {id_ for id_, columns in recorded(found, "configs").items() if columns == DELETED} == set(gone)
    assert recorded(found, "configs").keys() == {*read, *gone}
    assert_as_at_cobalt(found, client)


@pytest.mark.parametrize("is_disabled", [False, True])
@pytest.mark.parametrize("handles", [True, False], ids=["a check", "a dry run"])
def test_a_check_reads_the_connection_and_its_configs(
    handles: bool, is_disabled: bool, client: Client, sandbox: Sandbox, calling: Calling
) -> None:
    client.config(ACCOUNT, SLUG)
    if is_disabled:
        sandbox.disable_application(SLUG)
    sandbox.reset_ledger()
    found = findings(check=CHECK, is_listed=not is_disabled)
    if handles:
        handle_connection(found.loaded, calling(SLUG), found)
    else:
        read_connection(found.loaded, calling(SLUG), found)

    assert routes(sandbox) == (
        ["read_application", "read_account"] if is_disabled else ["read_application", "list_configs", "read_config"]
    )
    assert recorded(found, "configs").keys() == (set() if is_disabled else {ACCOUNT})
    assert recorded(found, "connections").keys() == {SLUG}


# --- changing ---------------------------------------------------------------------------------------------------------

FLOW = "stripe_import_invoices"
#: How Cobalt shows passwords, the change, the calls, and the plain values of the config then.
CHANGED = [
    pytest.param("shown", Patch(), ["find_or_create_config"], {"currency": "eur"}, id="nothing"),
    pytest.param(
        "shown", Patch(fields={"currency": "eur"}), ["find_or_create_config"], {"currency": "eur"}, id="what it holds"
    ),
    pytest.param(
        "shown",
        Patch(fields={"currency": "usd"}),
        ["find_or_create_config", "replace_config"],
        {"currency": "usd"},
        id="a value, and passwords are shown",
    ),
    pytest.param(
        "masked",
        Patch(fields={"currency": "usd"}),
        ["find_or_create_config", "set_field", "read_config"],
        {"currency": "usd"},
        id="a value, and passwords are masked",
    ),
    pytest.param(
        "left_out",
        Patch(fields={"currency": "usd"}),
        ["find_or_create_config", "set_field", "read_config"],
        {"currency": "usd"},
        id="a value, and passwords are left out",
    ),
    pytest.param(
        "masked",
        Patch(fields={"signing_secret": "new"}),
        ["find_or_create_config", "replace_config"],
        {"currency": "eur"},
        id="the password itself",
    ),
    pytest.param(
        "masked",
        Patch(fields={"currency": None}),
        ["find_or_create_config", "clear_field", "read_config"],
        {},
        id="a value is cleared",
    ),
    pytest.param(
        "masked",
        Patch(workflows={FLOW: WorkflowChange(enabled=True, fields={"since_days": 3})}),
        ["find_or_create_config", "set_field", "toggle_workflow", "read_config"],
        {"currency": "eur", "since_days": 3, FLOW: True},
        id="a workflow is enabled and has a value",
    ),
    pytest.param(
        "masked",
        Patch(fields={"currency": "usd"}, workflows={FLOW: WorkflowChange(enabled=False)}),
        ["find_or_create_config", "set_field", "read_config"],
        {"currency": "usd"},
        id="a workflow is disabled as it was",
    ),
]


@pytest.mark.parametrize(("passwords", "patch", "calls", "values"), CHANGED)
def test_a_config_is_changed_without_destroying_its_passwords(
    *,
    passwords: str,
    patch: Patch,
    calls: list[str],
    values: dict[str, Any],
    client: Client,
    sandbox: Sandbox,
    calling: Calling,
) -> None:
    client.config(ACCOUNT, "stripe")
    sandbox.edit_config(ACCOUNT, "stripe", fields={"currency": "eur", "signing_secret": "hunter2"})
    sandbox.change_settings(password_values=passwords)
    sandbox.reset_ledger()
    found = findings(slug="stripe")
    change_config(calling("stripe"), found, ConfigKey(ACCOUNT), patch)

    assert routes(sandbox) == calls
    assert_as_at_cobalt(found, client)
    sandbox.change_settings(password_values="shown")
    config = client.fetch_config(ACCOUNT, "stripe")
    secret = config.values.get("signing_secret")
    assert secret == patch.fields.get("signing_secret", "hunter2")
    flow = next(workflow for workflow in config.workflows if workflow.id == FLOW)
    plain = {id_: value for id_, value in {**config.values, **flow.values}.items() if id_ != "signing_secret"}
    assert plain | ({FLOW: True} if flow.enabled else {}) == values


# --- refusals and failures --------------------------------------------------------------------------------------------

CHANGE = {"fields": {"project": "EPIC"}}
ELSE = {"fields": {"project": "ELSE"}, "config_id": "two"}


@pytest.mark.parametrize(
    ("entries", "outcomes", "effects"),
    [
        pytest.param([changed("a", 1, CHANGE)], {"a": "dead"}, "a", id="one change"),
        pytest.param(
            [changed("a", 1, CHANGE), changed("b", 2, CHANGE)], {"a": "snooze", "b": "snooze"}, "ab", id="two changes"
        ),
        pytest.param(
            [changed("a", 1, CHANGE), changed("b", 2, ELSE)],
            {"a": "dead", "b": "done"},
            "a",
            id="another config's change is carried out",
        ),
        pytest.param(
            [changed("a", 1, CHANGE, status="done"), changed("b", 2, CHANGE)],
            {"b": "dead"},
            "b",
            id="one is carried out again, and was never refused",
        ),
    ],
)
def test_a_refusal_is_that_of_one_config(
    *, entries: list[Entry], outcomes: dict[str, str], effects: str, client: Client, sandbox: Sandbox, calling: Calling
) -> None:
    sandbox.add_faults(Fault(route="replace_config", status=HTTPStatus.UNPROCESSABLE_ENTITY, times=1))
    found = findings(*[entry for entry in entries if entry.logged.status == "pending"])
    change_configs(found.loaded, calling(SLUG), found, entries=entries, later=[])

    assert ended_as(found) == outcomes
    assert {id_: effect for (_, id_), effect in found.effects.items()} == {id_: {"config": True} for id_ in effects}
    assert ACCOUNT in recorded(found, "configs")
    assert_as_at_cobalt(found, client)
    is_again = entries[0].logged.status == "done"
    assert client.fetch_config(ACCOUNT, SLUG).values.get("project") == ("EPIC" if is_again else None)


def test_a_config_that_could_not_even_be_found_leaves_no_effect(sandbox: Sandbox, calling: Calling) -> None:
    sandbox.add_faults(Fault(route="find_or_create_config", status=HTTPStatus.UNPROCESSABLE_ENTITY))
    found = findings(changed("a", 1, CHANGE))
    change_configs(found.loaded, calling(SLUG), found, entries=found.waiting(), later=[])

    assert ended_as(found) == {"a": "dead"}
    assert found.effects == {}
    assert found.changes == []


@pytest.mark.parametrize("status", [HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR])
def test_what_fails_for_now_ends_no_event_and_the_config_that_was_found_is_recorded(
    status: HTTPStatus, sandbox: Sandbox, calling: Calling
) -> None:
    sandbox.add_faults(Fault(route="replace_config", status=status))
    found = findings(changed("a", 1, CHANGE))
    with pytest.raises(CobaltError):
        change_configs(found.loaded, calling(SLUG), found, entries=found.waiting(), later=[])

    assert found.outcomes == {}
    assert recorded(found, "configs").keys() == {ACCOUNT}


# --- the config of an authorisation -----------------------------------------------------------------------------------


def test_an_authorisation_stands_although_its_config_is_refused(sandbox: Sandbox, calling: Calling) -> None:
    sandbox.add_faults(Fault(route="find_or_create_config", status=HTTPStatus.UNPROCESSABLE_ENTITY))
    shown, coming = authorized("a", auth_type="oauth2"), authorized("b", 5, auth_type="keybased")
    found = findings(shown, coming, second=5)
    handle_connection(found.loaded, calling(SLUG), found)

    assert ended_as(found) == {"a": "done", "b": "snooze"}
    assert "without a config" in str(found.outcomes[shown.logged.key].detail)
    assert recorded(found, "connections").keys() == {SLUG}


def test_an_authorisation_gets_no_config_where_the_settings_say_so(sandbox: Sandbox, calling: Calling) -> None:
    found = findings(authorized("a"), settings=Settings(find_config_on_authorization=False))
    handle_connection(found.loaded, calling(SLUG), found)

    assert ended_as(found) == {"a": "done"}
    assert routes(sandbox) == ["read_application"]
