"""Which subject of an account an attempt works on."""

import pytest

from cobalt_mirror.db.subject import DueSubject, Waiting, choose_subject
from tests.unit.entries import MICROSECOND, NOON, at


def event(slug: str, second: float = 0) -> Waiting:
    return Waiting(slug, at(second), is_event=True)


def check(slug: str, second: float = 0) -> Waiting:
    return Waiting(slug, at(second), is_event=False)


#: What waits, and the slug that is chosen at noon; None: nothing is due.
CHOSEN = [
    pytest.param([], None, id="nothing waits"),
    pytest.param([event("jira")], "jira", id="events"),
    pytest.param([check("jira")], "jira", id="a check"),
    pytest.param([event("")], "", id="events of the account itself"),
    pytest.param([check("")], "", id="a check of the account itself"),
    pytest.param([Waiting("jira", NOON - MICROSECOND, is_event=True)], "jira", id="due a microsecond ago"),
    pytest.param([Waiting("jira", NOON + MICROSECOND, is_event=True)], None, id="due in a microsecond"),
    pytest.param([event("jira", -1), event("slack", -2)], "slack", id="what is due the longest"),
    pytest.param([event("slack", -2), event("jira", -1)], "slack", id="what is due the longest, as it comes"),
    pytest.param([event("slack", -1), event("jira", -1)], "jira", id="due in one moment: the lower slug"),
    pytest.param([event("jira", -9), event("", 0)], "", id="the account itself, although it is due later"),
    pytest.param([event("jira", -9), event("", 1)], "jira", id="the account itself is not due yet"),
    pytest.param([check("jira", -9), event("slack", -1)], "jira", id="a check that is due the longest"),
    pytest.param([check("", 0), event("jira", -9)], "", id="a check of the account itself comes first as well"),
]


@pytest.mark.parametrize(("waiting", "slug"), CHOSEN)
def test_the_account_itself_comes_first_then_what_is_due_the_longest(waiting: list[Waiting], slug: str | None) -> None:
    chosen = choose_subject(waiting, NOON)

    assert (None if chosen is None else chosen.slug) == slug


#: What waits, whether nothing but what is chosen is due, and whether events of the account itself wait.
REST = [
    pytest.param([event("jira")], True, False, id="nothing else waits"),
    pytest.param([event("jira"), check("jira")], True, False, id="its own check is due as well"),
    pytest.param([event("jira"), event("slack")], False, False, id="another one is due"),
    pytest.param([event("jira"), check("slack")], False, False, id="the check of another one is due"),
    pytest.param([event("jira"), event("slack", 1)], True, False, id="another one is not due yet"),
    pytest.param([event("jira"), event("", 1)], True, True, id="events of the account wait"),
    pytest.param([event("jira"), check("", 1)], True, False, id="a check of the account waits"),
    pytest.param([event("")], True, True, id="only the account's own events"),
    pytest.param([check("")], True, False, id="only a check of the account"),
    pytest.param([check(""), event("", 1)], True, True, id="a check of the account is due and its events wait"),
    pytest.param([event(""), event("jira")], False, True, id="a connection is due as well"),
]


@pytest.mark.parametrize(("waiting", "is_only", "account_waits"), REST)
def test_what_else_waits_is_known(waiting: list[Waiting], is_only: bool, account_waits: bool) -> None:
    assert choose_subject(waiting, NOON) == DueSubject(
        slug=waiting[0].slug, is_only=is_only, account_waits=account_waits
    )
