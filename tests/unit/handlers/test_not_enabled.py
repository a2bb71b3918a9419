"""What an account's own answer says of a connection whose application is not enabled, and so cannot be read."""

from typing import Any

import pytest

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.rows import ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.workers.handlers.reading import find_integrations, read_in_account
from tests.unit.entries import ACCOUNT, SLUG
from tests.unit.handlers.subjects import findings

NATIVE: dict[str, Any] = {"type": SLUG, "app_id": None}
OTHER: dict[str, Any] = {"type": "gmail", "app_id": None}
OURS: dict[str, Any] = {"type": "custom", "app_id": "app-1"}
THEIRS: dict[str, Any] = {"type": "custom", "app_id": "app-2"}
UNNAMED: dict[str, Any] = {"type": "custom", "app_id": None}
EXPIRED: dict[str, Any] = {"reauth_required": True}


def answer(*integrations: dict[str, Any], is_told: bool = True) -> LinkedAccount:
    told = {"integrations": list(integrations)} if is_told else {}
    return LinkedAccount.model_validate({"account_id": ACCOUNT, **told})


#: What the answer shows, the slug, its id, and how many integrations are its; None: it cannot be told.
SHOWN = [
    pytest.param([], SLUG, None, 0, id="nothing"),
    pytest.param([NATIVE], SLUG, None, 1, id="it, of Cobalt's own"),
    pytest.param([NATIVE, NATIVE], SLUG, None, 2, id="it, twice"),
    pytest.param([OTHER], SLUG, None, 0, id="another of Cobalt's own"),
    pytest.param([OURS], "order_desk", "app-1", 1, id="it, a custom one"),
    pytest.param([THEIRS], "order_desk", "app-1", 0, id="another custom one"),
    pytest.param([UNNAMED], "order_desk", "app-1", 0, id="a custom one without an id, and its own is known"),
    pytest.param([OURS], "order_desk", None, None, id="a custom one that may be it"),
    pytest.param([UNNAMED], "order_desk", None, None, id="a custom one without an id that may be it"),
    pytest.param([NATIVE, OURS], SLUG, None, 1, id="it, beside a custom one"),
    pytest.param([OTHER], "order_desk", None, 0, id="no custom one, so not it, whatever its id"),
    pytest.param([OURS], "custom", None, 0, id="the slug that earlier versions made up"),
]


@pytest.mark.parametrize(("integrations", "slug", "app_id", "number"), SHOWN)
def test_an_application_is_found_by_its_slug_or_its_id(
    integrations: list[dict[str, Any]], slug: str, app_id: str | None, number: int | None
) -> None:
    found = find_integrations(answer(*integrations), slug=slug, app_id=app_id)

    assert (None if found is None else len(found)) == number


@pytest.mark.parametrize("slug", [SLUG, "custom"])
def test_integrations_that_are_left_out_say_nothing(slug: str) -> None:
    assert find_integrations(answer(is_told=False), slug=slug, app_id=None) is None


#: What the answer shows, the status in the mirror (None: no row), and the status that is noted (None: nothing is).
NOTED = [
    pytest.param([NATIVE], "connected", None, id="connected, as mirrored"),
    pytest.param([NATIVE | EXPIRED], "reauth_required", None, id="expired, as mirrored"),
    pytest.param([NATIVE | EXPIRED], "connected", "reauth_required", id="it expired"),
    pytest.param([NATIVE], "reauth_required", "connected", id="it works again"),
    pytest.param([NATIVE, NATIVE | EXPIRED], "connected", "reauth_required", id="the last of two expired"),
    pytest.param([NATIVE | EXPIRED, NATIVE], "connected", "reauth_required", id="the first of two expired"),
    pytest.param([NATIVE], "disconnected", "connected", id="it is connected again"),
    pytest.param([NATIVE], None, "connected", id="the mirror has no row"),
    pytest.param([OTHER], "connected", "disconnected", id="it is gone"),
    pytest.param([OTHER], None, None, id="neither side has it"),
]


@pytest.mark.parametrize(("integrations", "mirrored", "noted"), NOTED)
def test_it_says_whether_it_is_connected_and_works(
    integrations: list[dict[str, Any]], mirrored: str | None, noted: str | None
) -> None:
    row = mirrored and ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus(mirrored))
    subject = findings(connection=row or None)
    read_in_account(subject.loaded, answer(*integrations), subject)

    assert [change.columns["status"] for change in subject.changes] == ([] if noted is None else [noted])


def test_with_a_connection_that_is_gone_go_its_configs() -> None:
    row = ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus.CONNECTED)
    kept, gone = (findings(connection=row, configs=["one", "two"]) for _ in range(2))
    read_in_account(kept.loaded, answer(NATIVE | EXPIRED), kept)
    read_in_account(gone.loaded, answer(OTHER), gone)

    assert [change.table.name for change in kept.changes] == ["connections"]
    assert [change.table.name for change in gone.changes] == ["connections", "configs", "configs"]
    assert gone.configs == []


def test_an_application_that_was_not_connected_keeps_its_configs() -> None:
    row = ConnectionRow(linked_account_id=ACCOUNT, slug=SLUG, status=ConnectionStatus.DISCONNECTED)
    for before in (row, None):
        subject = findings(connection=before, configs=["one"])
        read_in_account(subject.loaded, answer(OTHER), subject)

        assert [config.config_id for config in subject.configs] == ["one"]
