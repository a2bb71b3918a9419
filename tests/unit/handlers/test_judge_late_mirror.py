"""A connection that the mirror did not show yet when it was removed, and whose `connectedAt` has moved since."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.rows import ConnectionColumns, ConnectionRow
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.identity import Evidence, Judgement, Link, judge
from cobalt_mirror.workers.handlers.reading import connection_columns
from cobalt_mirror.workers.outcomes import DONE, Verdict
from tests.unit.entries import ACCOUNT, at, authorized, removed
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.links import stamp
from tests.unit.handlers.subjects import findings

#: The removal is of 0. The mirror showed only another connection then.
OTHER = Link("oauth2", stored_time(at(-9)), "c1")
LATE = Link("oauth2", stored_time(at(3)), "c2")
REMOVAL = removed("r", 0, meant_for=stamp(OTHER))


def seen(second: float, connection_id: str = "c2") -> Link:
    return Link("oauth2", stored_time(at(second)), connection_id)


def test_without_any_sign_of_it_it_is_another_and_newer() -> None:
    assert judge(REMOVAL, LATE, Evidence(shown=[OTHER, LATE])) is Judgement.NEWER


@pytest.mark.parametrize(
    ("evidence", "judgement"),
    [
        (Evidence(shown=[OTHER, seen(-1), LATE]), Judgement.RENEWED),  # an earlier read of the same attempt
        (Evidence(shown=[OTHER, seen(0), LATE]), Judgement.RENEWED),
        (Evidence(shown=[OTHER, seen(1), LATE]), Judgement.NEWER),
        (Evidence(shown=[OTHER, LATE], mirrored=[seen(-1)]), Judgement.RENEWED),  # what the mirror got since
        (Evidence(shown=[OTHER, LATE], mirrored=[seen(1)]), Judgement.NEWER),
        (Evidence(shown=[OTHER, LATE], mirrored=[seen(-1, "c3")]), Judgement.NEWER),
        (Evidence(authorizations=[authorized("a", -1, connection_id="c2")]), Judgement.RENEWED),
        (Evidence(authorizations=[authorized("a", -1, connection_id="c3")]), Judgement.NEWER),
        (Evidence(authorizations=[authorized("a", -1)]), Judgement.NEWER),  # of whichever
    ],
)
def test_it_is_meant_if_it_was_seen_before_or_named_by_the_host(evidence: Evidence, judgement: Judgement) -> None:
    assert judge(REMOVAL, LATE, evidence) is judgement


def test_it_is_meant_if_the_removal_names_it() -> None:
    named = removed("r", 0, connection_id="c2", meant_for=stamp(OTHER))

    assert judge(named, LATE, Evidence()) is Judgement.RENEWED


def test_news_that_it_was_authorized_again_keeps_it_all_the_same() -> None:
    evidence = Evidence(shown=[OTHER, seen(-1), LATE])
    again = authorized("a", 2, connection_id="c2")

    assert judge(REMOVAL, LATE, replace(evidence, authorizations=[again])) is Judgement.NEWER


#: Of an application without ids, the mirror showed only the other auth type.
KEYS, SIGNED_IN = Link("keybased", stored_time(at(-9))), Link("oauth2", stored_time(at(3)))
LONG_AGO = Evidence(shown=[KEYS, SIGNED_IN], is_account_read=True, created_at=stored_time(at(-9)))


@pytest.mark.parametrize(
    ("named", "before", "judgement"),
    [
        ({}, [], Judgement.NEWER),
        ({"auth_type": "oauth2"}, [], Judgement.RENEWED),
        ({}, [authorized("a", -1, auth_type="oauth2")], Judgement.RENEWED),
        ({}, [authorized("a", -1, auth_type="keybased")], Judgement.NEWER),
        ({}, [authorized("a", -1)], Judgement.NEWER),  # of whichever
    ],
)
def test_an_auth_type_is_meant_if_the_host_named_it_no_later(
    named: dict[str, Any], before: list[Entry], judgement: Judgement
) -> None:
    removal = removed("r", 0, meant_for=stamp(KEYS), **named)

    assert judge(removal, SIGNED_IN, replace(LONG_AGO, authorizations=before)) is judgement
    anew = replace(LONG_AGO, authorizations=before, created_at=stored_time(at(2)))
    assert judge(removal, SIGNED_IN, anew) is Judgement.NEWER


def test_what_was_seen_of_it_is_kept_while_the_removal_waits_for_news(
    client: Client, sandbox: Sandbox, clock: Clock, calling: Callable[[str], Caller]
) -> None:
    """The attempt that waits writes the moved `connectedAt` into the mirror, and the next one still knows better."""
    client.upsert_account(ACCOUNT)
    ids = [str(sandbox.connect(ACCOUNT, "xero")) for _ in range(2)]
    before = connection_columns(client.fetch_application(ACCOUNT, "xero").connected_accounts)
    removal = removed("r", 2, slug="xero", meant_for=stamp(Link("oauth2", stored_time(at(0)), ids[0])))
    clock.second = 5
    sandbox.renew_token(ACCOUNT, "xero")

    def attempt(second: float, columns: ConnectionColumns, **logged: Any) -> Findings:
        entry = Entry(replace(removal.logged, **logged), removal.event)
        row = ConnectionRow(linked_account_id=ACCOUNT, slug="xero", **columns)
        found = findings(entry, second=second, slug="xero", connection=row, has_multi_auth=True)
        handle_connection(found.loaded, calling("xero"), found)
        return found

    first = attempt(6, before)
    assert first.connection is not None
    moved = connection_columns(client.fetch_application(ACCOUNT, "xero").connected_accounts)
    last = attempt(60, moved, effect=first.effects[removal.logged.key], looks=3)

    assert first.outcomes[removal.logged.key].verdict is Verdict.SNOOZE
    assert last.outcomes[removal.logged.key] == DONE
    assert sandbox.state()["connections"] == []
    assert set(last.effects[removal.logged.key]) == {"total", "disconnected", "deleted"}


def test_a_notification_of_the_very_moment_of_the_removal_is_not_later() -> None:
    renewed = Link("oauth2", stored_time(at(3)))
    told = Evidence(shown=[renewed], notified_at=[at(0)], is_account_read=True)

    assert judge(removed("r", 0), renewed, told) is Judgement.RENEWED
    assert judge(removed("r", 0), renewed, replace(told, notified_at=[at(1)])) is Judgement.NEWER


def test_what_was_seen_without_a_time_shows_nothing() -> None:
    seen = replace(Evidence(shown=[LATE]), mirrored=[replace(LATE, connected_at=None)])

    assert judge(REMOVAL, LATE, seen) is judge(REMOVAL, LATE, Evidence(shown=[LATE]))
