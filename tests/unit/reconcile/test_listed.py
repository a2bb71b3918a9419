"""What a page of the listing says of an account's connections, and the rows with which an account is adopted."""

from datetime import datetime
from typing import Any

import pytest

from cobalt_mirror.workers.reconcile.comparison import Listed, adopted_rows, listed_connections
from tests.unit.reconcile.listings import CREATED, LATER, ROW, SLUGS, custom, integration, listed


def shown(slug: str = "slack", created_at: datetime | None = CREATED, *, needs_reauth: bool = False) -> Listed:
    return Listed(slug=slug, needs_reauth=needs_reauth, created_at=created_at)


#: What the listing shows of each connected account, and the connections that it amounts to.
ROWS = [
    pytest.param([], [], id="none"),
    pytest.param([integration()], [shown()], id="one"),
    pytest.param([integration(created_at=None)], [shown(created_at=None)], id="one without a time"),
    pytest.param([integration(needs_reauth=True)], [shown(needs_reauth=True)], id="an expired one"),
    pytest.param([integration(), integration("gmail")], [shown(), shown("gmail")], id="two applications"),
    pytest.param(
        [integration(needs_reauth=True), integration("gmail", LATER)],
        [shown(needs_reauth=True), shown("gmail", LATER)],
        id="one application's trouble is not another's",
    ),
    pytest.param(
        [integration(), integration(created_at=LATER)], [shown(created_at=LATER)], id="two auth types: the last time"
    ),
    pytest.param(
        [integration(created_at=LATER), integration()],
        [shown(created_at=LATER)],
        id="two auth types, the later one first",
    ),
    pytest.param([integration(), integration()], [shown()], id="two auth types with the same time"),
    pytest.param([integration(created_at=None), integration()], [shown()], id="two auth types, the first without time"),
    pytest.param([integration(), integration(created_at=None)], [shown()], id="two auth types, the last without time"),
    pytest.param(
        [integration(created_at=None), integration(created_at=None)],
        [shown(created_at=None)],
        id="two auth types without a time",
    ),
    pytest.param(
        [integration(needs_reauth=True), integration()], [shown(needs_reauth=True)], id="the first of two expired"
    ),
    pytest.param(
        [integration(), integration(needs_reauth=True)], [shown(needs_reauth=True)], id="the last of two expired"
    ),
    pytest.param(
        [integration(needs_reauth=True), integration(needs_reauth=True)], [shown(needs_reauth=True)], id="both expired"
    ),
    pytest.param(
        [integration(needs_reauth=True), integration(), integration(created_at=LATER)],
        [shown(created_at=LATER, needs_reauth=True)],
        id="the first of three expired",
    ),
    # custom applications
    pytest.param([custom()], [shown("order_desk")], id="a custom application"),
    pytest.param(
        [custom(), custom("app-2", LATER)],
        [shown("order_desk"), shown("warehouse", LATER)],
        id="two custom applications are two connections",
    ),
    pytest.param(
        [custom(), custom(created_at=LATER, needs_reauth=True)],
        [shown("order_desk", LATER, needs_reauth=True)],
        id="two connections of one custom application are one",
    ),
    pytest.param([custom("app-9"), integration()], [shown()], id="a custom application that the catalogue lacks"),
    pytest.param([custom(None)], [], id="a custom application without an id"),
]


@pytest.mark.parametrize(("integrations", "expected"), ROWS)
def test_auth_types_of_an_application_are_one_connection(
    integrations: list[dict[str, Any]], expected: list[Listed]
) -> None:
    connections = listed_connections(listed(*integrations), SLUGS)

    assert connections == {one.slug: one for one in expected}


@pytest.mark.parametrize("integrations", ["left out", None])
def test_what_the_listing_does_not_tell_is_not_the_same_as_none(integrations: str | None) -> None:
    assert listed_connections(listed(integrations=integrations), SLUGS) is None


def test_a_listed_connection_is_connected_unless_it_needs_to_be_authorised_again() -> None:
    assert shown().status == "connected"
    assert shown(needs_reauth=True).status == "reauth_required"


# --- adoption ---------------------------------------------------------------------------------------------------------

#: What the listing shows, the environment of the key, and what the account's row has instead of the usual.
ADOPTED = [
    pytest.param({}, None, {}, id="all is listed"),
    pytest.param({}, "production", {}, id="the listed environment counts more than that of the key"),
    pytest.param({"environment": "left out"}, "production", {"environment": "production"}, id="that of the key"),
    pytest.param({"environment": "left out"}, None, {"environment": None}, id="no environment is known"),
    pytest.param({"name": "left out"}, None, {"name": None}, id="no name is listed"),
    pytest.param({"name": None}, None, {"name": None}, id="there is no name"),
    pytest.param({"udf": "left out"}, None, {"udf": None}, id="user-defined fields are not listed: unknown"),
    pytest.param({"udf": []}, None, {"udf": {}}, id="there are no user-defined fields"),
]


@pytest.mark.parametrize(("changes", "environment", "row"), ADOPTED)
def test_an_account_is_adopted_as_it_is_listed(
    changes: dict[str, Any], environment: str | None, row: dict[str, Any]
) -> None:
    assert adopted_rows(listed(**changes), environment, SLUGS) == ({**ROW, **row}, [])


def test_of_an_adopted_connection_nothing_counts_as_read() -> None:
    account = listed(
        integration(needs_reauth=True), integration(created_at=LATER), integration("gmail", created_at=None)
    )
    _, connections = adopted_rows(account, None, SLUGS)

    both = {"linked_account_id": "acme", "accounts": None}
    assert connections == [
        {**both, "slug": "slack", "status": "reauth_required", "connected_at": LATER},
        {**both, "slug": "gmail", "status": "connected", "connected_at": None},
    ]


def test_of_connections_that_are_not_listed_none_is_adopted() -> None:
    assert adopted_rows(listed(integrations="left out"), None, SLUGS)[1] == []


def test_a_custom_application_is_adopted_under_its_own_slug_or_not_at_all() -> None:
    _, connections = adopted_rows(listed(custom(), custom("app-9"), custom(None)), None, SLUGS)

    assert [row["slug"] for row in connections] == ["order_desk"]
