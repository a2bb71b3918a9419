"""What an attempt notes: outcomes, whether all is done, what an answer says of the account, and what is in doubt."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.workers.handlers.findings import WantedCheck
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded
from tests.unit.entries import ACCOUNT, SLUG, changed, signed_up
from tests.unit.handlers.subjects import ended_as, findings

A, B = changed("a", 1), changed("b", 2)
SNOOZE = Outcome(verdict=Verdict.SNOOZE)


def test_events_wait_until_they_have_an_outcome() -> None:
    found = findings(A, B)
    assert found.waiting() == [A, B]
    found.finish([A])
    assert found.waiting() == [B]
    found.finish([B], SNOOZE)
    assert found.waiting() == []
    assert ended_as(found) == {"a": "done", "b": "snooze"}


@pytest.mark.parametrize(
    ("parts", "outcomes"),
    [
        pytest.param([A, B], {"a": "done", "b": "done"}, id="both"),
        pytest.param([A], {"a": "done", "b": "superseded"}, id="the first"),
        pytest.param([B], {"a": "superseded", "b": "done"}, id="the last"),
        pytest.param([], {"a": "superseded", "b": "superseded"}, id="none"),
    ],
)
def test_what_has_no_part_in_a_fold_is_folded_away(parts: list[Any], outcomes: dict[str, str]) -> None:
    found = findings(A, B)
    found.finish_folded([A, B], [entry.logged.key for entry in parts])

    assert ended_as(found) == outcomes


#: The outcomes of two events that wait, and whether all is done.
ENDS = [
    pytest.param([DONE, DONE], True, id="both are done"),
    pytest.param([superseded("x"), DONE], True, id="one is superseded"),
    pytest.param([DONE, Outcome(verdict=Verdict.DEAD)], True, id="one is dead"),
    pytest.param([DONE], False, id="one has no outcome"),
    pytest.param([], False, id="none has an outcome"),
    pytest.param([DONE, SNOOZE], False, id="one is put off"),
    pytest.param([Outcome(verdict=Verdict.RETRY), DONE], False, id="one is tried again"),
    pytest.param([DONE, Outcome(verdict=Verdict.HALTED)], False, id="one is halted"),
]


@pytest.mark.parametrize(("outcomes", "expected"), ENDS)
def test_all_is_done_when_every_event_has_ended(outcomes: list[Outcome], expected: bool) -> None:
    found = findings(A, B)
    for entry, outcome in zip([A, B], outcomes, strict=False):
        found.finish([entry], outcome)

    assert found.has_finished_all() is expected
    found.want_check("", reason="another look")
    assert not found.has_finished_all()


def test_no_verdict_is_missing_from_the_table() -> None:
    outcomes = [outcome for row in ENDS if isinstance(row.values[0], list) for outcome in row.values[0]]

    assert {outcome.verdict for outcome in outcomes} == set(Verdict)


def test_where_nothing_waits_all_is_done() -> None:
    assert findings().has_finished_all()


# --- the account ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "has_account", "is_deleted"),
    [
        pytest.param(None, False, False, id="not known"),
        pytest.param("pending", False, False, id="not signed up yet"),
        pytest.param("active", True, False, id="active"),
        pytest.param("missing", True, False, id="missing"),
        pytest.param("deleted", True, True, id="deleted"),
    ],
)
def test_what_the_mirror_shows_of_an_account(status: str | None, has_account: bool, is_deleted: bool) -> None:
    found = findings(account=status)

    assert (found.has_account, found.is_deleted) == (has_account, is_deleted)


UDF = [{"key_name": "plan", "key_value": "pro"}]
#: What Cobalt answers beyond the id, the environment of the key, and what is recorded.
ANSWERS = [
    pytest.param(
        {"name": "Acme", "udf": UDF, "environment": "test"},
        "production",
        {"name": "Acme", "udf": {"plan": "pro"}, "environment": "test"},
        id="all of it",
    ),
    pytest.param({}, "test", {"name": None, "environment": "test"}, id="nothing more: no name, fields unknown"),
    pytest.param({}, None, {"name": None, "environment": None}, id="nothing more, and no environment is known"),
    pytest.param({"name": None}, "test", {"name": None, "environment": "test"}, id="a name that is null"),
    pytest.param({"udf": []}, "test", {"name": None, "udf": {}, "environment": "test"}, id="no fields"),
    pytest.param({"udf": None}, "test", {"name": None, "udf": None, "environment": "test"}, id="fields that are null"),
]


@pytest.mark.parametrize("status", [None, "pending", "active", "missing", "deleted"])
@pytest.mark.parametrize(("answer", "environment", "columns"), ANSWERS)
def test_what_an_answer_says_of_an_account_is_recorded(
    answer: dict[str, Any], environment: str | None, columns: dict[str, Any], status: str | None
) -> None:
    found = findings(account=status)
    found.found_account(LinkedAccount.model_validate({"account_id": ACCOUNT, **answer}), environment=environment)

    assert [change.columns for change in found.changes] == [{"status": "active", **columns}]
    assert found.environment == columns["environment"]
    assert found.account is not None
    assert (found.account.status, found.account.name) == ("active", columns["name"])
    assert found.has_account
    assert not found.is_deleted


# --- doubts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "slug", "slugs"),
    [
        pytest.param("active", SLUG, {SLUG}, id="a connection"),
        pytest.param("active", "", {""}, id="the account itself"),
        pytest.param("pending", SLUG, {SLUG, ""}, id="a connection of an account that may have been made"),
        pytest.param(None, SLUG, {SLUG, ""}, id="a connection of an account that is not known"),
        pytest.param(None, "", {""}, id="an account that is not known"),
    ],
)
def test_what_a_lost_write_may_have_changed_is_read_again(account: str | None, slug: str, slugs: set[str]) -> None:
    found = findings(signed_up("a"), account=account)
    found.doubt(slug, reason="no answer")

    wanted = [WantedCheck(slug=each, delay=timedelta(seconds=60), reason="no answer") for each in sorted(slugs)]
    assert sorted(found.checks, key=lambda check: check.slug) == wanted
