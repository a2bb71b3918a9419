"""What a check remembers of configs that Cobalt does not show, and when it believes that they are gone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest

from cobalt_mirror.cobalt import Client, UnexpectedAnswer
from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.config_reads import (
    is_believed,
    next_look_at_absent,
    read_configs,
)
from cobalt_mirror.workers.handlers.looking import ONCE_MORE, SETTLED
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, at
from tests.unit.handlers.mirrored import DELETED, recorded
from tests.unit.handlers.subjects import CHECK, findings

Calling = Callable[[str], Caller]

#: Since when it does not show, and whether that is believed at noon.
BELIEVED = [
    pytest.param(None, False, id="for the first time"),
    pytest.param(NOON, False, id="since now"),
    pytest.param(NOON - SETTLED + MICROSECOND, False, id="just too early"),
    pytest.param(NOON - SETTLED, True, id="at its time"),
    pytest.param(NOON - SETTLED - MICROSECOND, True, id="later"),
]


@pytest.mark.parametrize(("since", "expected"), BELIEVED)
def test_a_config_is_gone_when_it_does_not_show_for_fifteen_seconds(since: datetime | None, *, expected: bool) -> None:
    assert is_believed(since, NOON) is expected


def test_where_nothing_is_absent_there_is_no_next_look() -> None:
    assert next_look_at_absent({}, NOON) is None


def test_the_next_look_is_for_the_config_that_has_not_shown_the_longest() -> None:
    assert next_look_at_absent({ConfigKey("a"): at(-5), ConfigKey("b"): NOON}, NOON) == SETTLED - timedelta(seconds=5)


@pytest.fixture
def cobalt(client: Client, sandbox: Sandbox, calling: Calling) -> Caller:
    """The right to call about an application with two configs, `a` and `b`."""
    client.upsert_account(ACCOUNT)
    sandbox.connect(ACCOUNT, SLUG)
    for config_id in "ab":
        client.config(ACCOUNT, SLUG, config_id=config_id)
    return calling(SLUG)


def test_a_config_that_does_not_show_for_the_first_time_stays(cobalt: Caller) -> None:
    found = findings(check=CHECK, configs=["a", "b", "gone"])
    read_configs(cobalt, found)

    assert recorded(found, "configs").keys() == {"a", "b"}
    assert (found.absent, found.looks_again, found.checks) == ({ConfigKey("gone"): NOON}, SETTLED, [])


def test_each_config_has_its_own_second_look(cobalt: Caller) -> None:
    check = replace(CHECK, absent={ConfigKey("old"): at(-15), ConfigKey("a"): at(-15)})
    found = findings(check=check, configs=["a", "b", "old", "new"])
    read_configs(cobalt, found)

    assert [id_ for id_, columns in recorded(found, "configs").items() if columns == DELETED] == ["old"]
    assert (found.absent, found.looks_again) == ({ConfigKey("new"): NOON}, SETTLED)
    assert [(check.slug, check.delay) for check in found.checks] == [(SLUG, ONCE_MORE)]


@pytest.mark.parametrize(("verified", "believed"), [(None, True), (-16, True), (-15, True), (-14.9, False), (0, False)])
def test_a_config_that_showed_meanwhile_does_not_show_for_the_first_time(
    cobalt: Caller, verified: float | None, *, believed: bool
) -> None:
    found = findings(check=replace(CHECK, absent={ConfigKey("old"): at(-15)}), configs=["a", "b", "old"])
    verified_at = None if verified is None else at(verified)
    found.configs = [replace(row, verified_at=verified_at) for row in found.configs]
    read_configs(cobalt, found)

    assert (recorded(found, "configs").get("old") == DELETED) is believed
    assert found.absent == ({} if believed else {ConfigKey("old"): NOON})


@pytest.mark.parametrize("error", ["CONFIG_NOT_FOUND", "RESOURCE_NOT_FOUND", "INVALID_APP_ID"])
def test_a_config_that_is_listed_and_denied_is_a_contradiction_and_the_others_are_read(
    error: str, cobalt: Caller, sandbox: Sandbox
) -> None:
    fault = Fault(path=f"*/slug/{SLUG}/config/a", status=HTTPStatus.NOT_FOUND, error=error)
    sandbox.add_faults(fault)
    found = findings(check=CHECK, configs=["a", "b"])
    with pytest.raises(UnexpectedAnswer, match="in one answer, and not in another"):
        read_configs(cobalt, found)

    assert recorded(found, "configs").keys() == {"b"}


def test_an_unknown_application_is_no_answer_about_a_config_that_is_not_listed(
    cobalt: Caller, sandbox: Sandbox
) -> None:
    sandbox.add_faults(Fault(path="*/config/gone", status=HTTPStatus.NOT_FOUND, error="INVALID_APP_ID"))
    found = findings(check=CHECK, configs=["gone"])
    with pytest.raises(UnexpectedAnswer):
        read_configs(cobalt, found)

    assert recorded(found, "configs").keys() == {"a", "b"}
    assert found.absent == {}
