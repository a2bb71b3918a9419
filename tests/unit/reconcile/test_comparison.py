"""What the listing makes one suspect of the mirror."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.listing import Known
from cobalt_mirror.db.statuses import SuspicionKind
from cobalt_mirror.workers.reconcile.comparison import adopted_rows, compare

CREATED = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = CREATED + timedelta(days=1)

ROW = {"linked_account_id": "acme", "name": "Acme", "udf": {"plan": "pro"}, "environment": "test", "status": "active"}
CONNECTED = {
    "slug": "slack",
    "status": "connected",
    "accounts": [{"auth_type": "oauth2", "connected_at": stored_time(CREATED)}],
    "connected_at": CREATED,
    "listed_created_at": None,
}


def listed(*integrations: dict[str, Any], **changes: Any) -> LinkedAccount:
    document = {
        "account_id": "acme",
        "name": "Acme",
        "udf": [{"key_name": "plan", "key_value": "pro"}],
        "environment": "test",
        "integrations": list(integrations),
        **changes,
    }
    return LinkedAccount.model_validate({name: value for name, value in document.items() if value != "left out"})


def integration(slug: str = "slack", **changes: Any) -> dict[str, Any]:
    return {"type": slug, "reauth_required": False, "createdAt": CREATED.isoformat(), **changes}


def suspected(
    account: LinkedAccount, *connections: dict[str, Any], **row: Any
) -> list[tuple[str, SuspicionKind, list[str]]]:
    known = Known(account={**ROW, **row}, connections={one["slug"]: one for one in connections})
    return [(one.slug, one.kind, list(one.differences)) for one in compare(account, known)]


def test_an_account_that_is_listed_as_mirrored_is_not_in_doubt() -> None:
    assert suspected(listed(integration()), CONNECTED) == []


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"name": "Other"}, "name"),
        ({"udf": {}}, "udf"),
        ({"environment": "production"}, "environment"),
        ({"status": "missing"}, "status"),
        ({"status": "pending"}, "status"),
    ],
)
def test_each_column_of_an_account_is_compared(row: dict[str, Any], column: str) -> None:
    assert suspected(listed(), **row) == [("", SuspicionKind.CHANGED, [column])]


@pytest.mark.parametrize("absent", ["name", "udf", "environment"])
def test_what_the_listing_leaves_out_is_unknown(absent: str) -> None:
    assert suspected(listed(**{absent: "left out"})) == []


def test_a_name_that_the_listing_shows_as_null_was_taken_away() -> None:
    assert suspected(listed(name=None)) == [("", SuspicionKind.CHANGED, ["name"])]


def test_a_name_that_no_database_takes_is_compared_as_it_is_stored() -> None:
    assert suspected(listed(name="A\0B"), name="A\ufffdB") == []


def test_absent_integrations_are_unknown_and_an_empty_list_says_that_all_are_gone() -> None:
    assert suspected(listed(integrations="left out"), CONNECTED) == []
    assert suspected(listed(integrations=None), CONNECTED) == []
    assert suspected(listed(), CONNECTED) == [("slack", SuspicionKind.GONE, ["status"])]


def test_a_deleted_account_that_is_listed_is_looked_at_and_nothing_under_it() -> None:
    assert suspected(listed(integration(), name="Other"), status="deleted") == [("", SuspicionKind.CHANGED, ["status"])]


def test_a_connection_that_the_mirror_does_not_show_is_to_be_read() -> None:
    assert suspected(listed(integration())) == [("slack", SuspicionKind.CHANGED, ["status"])]
    gone = {**CONNECTED, "status": "disconnected", "accounts": [], "connected_at": None}
    assert suspected(listed(integration()), gone) == [("slack", SuspicionKind.CHANGED, ["status"])]
    assert suspected(listed(), gone) == []


def test_expired_and_recovered_connections_are_to_be_read() -> None:
    expired = {**CONNECTED, "status": "reauth_required"}
    assert suspected(listed(integration(reauth_required=True)), CONNECTED) == [
        ("slack", SuspicionKind.CHANGED, ["status"])
    ]
    assert suspected(listed(integration()), expired) == [("slack", SuspicionKind.CHANGED, ["status"])]


def test_a_connection_that_was_made_anew_is_to_be_read() -> None:
    anew = integration(createdAt=LATER.isoformat())
    assert suspected(listed(anew), CONNECTED) == [("slack", SuspicionKind.CHANGED, ["connected_at"])]
    assert suspected(listed(anew), {**CONNECTED, "listed_created_at": LATER}) == []


def test_two_auth_types_are_one_connection_that_began_with_the_first() -> None:
    both = {
        **CONNECTED,
        "connected_at": LATER,
        "accounts": [{"connected_at": stored_time(CREATED)}, {"connected_at": stored_time(LATER)}],
    }
    assert suspected(listed(integration(createdAt=LATER.isoformat()), integration()), both) == []


def test_of_an_adopted_account_nothing_counts_as_read_and_what_is_not_listed_is_unknown() -> None:
    account = listed(integration(reauth_required=True), name="left out", udf="left out", environment="left out")
    row, connections = adopted_rows(account, "test")

    assert row == {**ROW, "name": None, "udf": None}
    key = {"linked_account_id": "acme", "slug": "slack"}
    assert connections == [{**key, "status": "reauth_required", "accounts": None, "connected_at": CREATED}]
    assert adopted_rows(listed(udf=[]), "test")[0]["udf"] == {}
    assert adopted_rows(listed(integrations="left out"), "test")[1] == []
