"""What the listing makes one suspect of the mirror."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.listing import Known
from cobalt_mirror.workers.reconcile.comparison import compare
from tests.unit.reconcile.listings import (
    CONNECTED,
    CREATED,
    LATER,
    ROW,
    SLUGS,
    account_row,
    connection_row,
    custom,
    integration,
    listed,
    suspected,
)

#: The account as listed, what the mirror's row has instead, and the columns that are suspected.
ACCOUNTS = [
    pytest.param(listed(), {}, [], id="as mirrored"),
    pytest.param(listed(), {"status": "missing"}, ["status"], id="missing in the mirror"),
    pytest.param(listed(), {"status": "pending"}, ["status"], id="not signed up yet in the mirror"),
    pytest.param(listed(), {"status": "deleted"}, ["status"], id="deleted in the mirror"),
    pytest.param(listed(), {"name": "Other"}, ["name"], id="another name"),
    pytest.param(listed(), {"name": None}, ["name"], id="a name that the mirror does not have"),
    pytest.param(listed(name=None), {}, ["name"], id="no name any more"),
    pytest.param(listed(name=None), {"name": None}, [], id="no name, as in the mirror"),
    pytest.param(listed(name="left out"), {}, [], id="a name that is not listed"),
    pytest.param(listed(name="A\0B"), {"name": "A\ufffdB"}, [], id="a name as it is stored"),
    pytest.param(listed(name="A\0B"), {"name": "A\0B"}, [], id="a name as it is listed"),
    pytest.param(listed(), {"udf": {"plan": "free"}}, ["udf"], id="another user-defined value"),
    pytest.param(listed(), {"udf": {}}, ["udf"], id="a user-defined field that the mirror does not have"),
    pytest.param(listed(), {"udf": None}, ["udf"], id="user-defined fields that the mirror does not know"),
    pytest.param(listed(udf=[]), {}, ["udf"], id="no user-defined fields any more"),
    pytest.param(listed(udf=None), {}, ["udf"], id="user-defined fields are null"),
    pytest.param(listed(udf=[]), {"udf": None}, [], id="no user-defined fields, and none known"),
    pytest.param(listed(udf=None), {"udf": None}, [], id="user-defined fields are null, and none known"),
    pytest.param(listed(udf=None), {"udf": {}}, [], id="user-defined fields are null, and the mirror has none"),
    pytest.param(listed(udf="left out"), {}, [], id="user-defined fields that are not listed"),
    pytest.param(listed(udf={"a": "x\0"}), {"udf": {"a": "x\ufffd"}}, [], id="user-defined fields as they are stored"),
    pytest.param(listed(), {"environment": "production"}, ["environment"], id="another environment"),
    pytest.param(listed(), {"environment": None}, ["environment"], id="an environment that the mirror does not know"),
    pytest.param(listed(environment="left out"), {}, [], id="an environment that is not listed"),
    pytest.param(listed(environment=None), {}, [], id="an environment that is null"),
    pytest.param(
        listed(),
        {"status": "missing", "name": "Other", "udf": {}, "environment": None},
        ["status", "name", "udf", "environment"],
        id="all of it",
    ),
    pytest.param(listed(name="New"), {"status": "deleted"}, ["status"], id="of a deleted one only that it is listed"),
]


@pytest.mark.parametrize(("account", "row", "columns"), ACCOUNTS)
def test_each_column_of_an_account_is_compared(account: LinkedAccount, row: dict[str, Any], columns: list[str]) -> None:
    assert suspected(account, **row) == ([("", "changed", columns)] if columns else [])


@pytest.mark.parametrize("column", sorted(ROW.keys() - {"linked_account_id", "status"}))
def test_no_column_of_an_account_is_left_out_of_the_comparison(column: str) -> None:
    assert suspected(listed(), **{column: None}) == [("", "changed", [column])]


def test_of_an_account_that_the_mirror_does_not_know_nothing_is_suspected() -> None:
    assert list(compare(listed(integration()), Known(connections={"slack": connection_row(**CONNECTED)}), SLUGS)) == []


#: The smallest step of time.
TICK = timedelta(microseconds=1)

GONE = {**CONNECTED, "status": "disconnected", "connected_at": None}
EXPIRED = {**CONNECTED, "status": "reauth_required"}
RENEWED = {**CONNECTED, "connected_at": LATER}
UNDATED = {**CONNECTED, "connected_at": None}
MAIL = {**CONNECTED, "slug": "gmail"}
OURS = {**CONNECTED, "slug": "order_desk"}
CHANGED, ANEW, LOST = (
    ("slack", "changed", ["status"]),
    ("slack", "changed", ["connected_at"]),
    ("slack", "gone", ["status"]),
)

#: The connections as listed, the mirror's rows, and what is suspected.
CONNECTIONS = [
    pytest.param(listed(), [], [], id="none anywhere"),
    pytest.param(listed(integration()), [CONNECTED], [], id="as mirrored"),
    # whether there is one
    pytest.param(listed(integration()), [], [CHANGED], id="one that the mirror does not show"),
    pytest.param(listed(integration()), [GONE], [CHANGED], id="one that the mirror shows as disconnected"),
    pytest.param(listed(), [CONNECTED], [LOST], id="one that is not listed any more"),
    pytest.param(listed(), [EXPIRED], [LOST], id="an expired one that is not listed any more"),
    pytest.param(listed(), [GONE], [], id="a disconnected one that is not listed"),
    pytest.param(listed(integrations="left out"), [CONNECTED], [], id="the listing leaves them out"),
    pytest.param(listed(integrations=None), [CONNECTED], [], id="the listing has null for them"),
    # whether it works
    pytest.param(listed(integration(needs_reauth=True)), [CONNECTED], [CHANGED], id="it expired"),
    pytest.param(listed(integration(needs_reauth=True)), [EXPIRED], [], id="expired, as mirrored"),
    pytest.param(listed(integration()), [EXPIRED], [CHANGED], id="it works again"),
    pytest.param(
        listed(integration(), integration(needs_reauth=True)), [CONNECTED], [CHANGED], id="one of two expired"
    ),
    pytest.param(
        listed(integration(needs_reauth=True), integration()), [CONNECTED], [CHANGED], id="the first of two expired"
    ),
    # since when
    pytest.param(listed(integration(created_at=LATER)), [CONNECTED], [ANEW], id="made anew"),
    pytest.param(
        listed(integration(created_at=LATER, needs_reauth=True)),
        [CONNECTED],
        [("slack", "changed", ["status", "connected_at"])],
        id="made anew and expired",
    ),
    pytest.param(listed(integration(created_at=LATER)), [GONE], [CHANGED], id="made anew after it was disconnected"),
    pytest.param(
        listed(integration(created_at=CREATED + TICK)), [CONNECTED], [ANEW], id="made anew in the next microsecond"
    ),
    pytest.param(listed(integration(created_at=CREATED - TICK)), [CONNECTED], [], id="connected again since"),
    pytest.param(listed(integration()), [RENEWED], [], id="its token was renewed since"),
    pytest.param(listed(integration(created_at=LATER)), [RENEWED], [], id="made when the mirror's token was renewed"),
    pytest.param(listed(integration(created_at=None)), [CONNECTED], [], id="no time is listed"),
    pytest.param(listed(integration(created_at=None)), [UNDATED], [], id="no time is known anywhere"),
    pytest.param(listed(integration(created_at=LATER)), [UNDATED], [], id="the mirror knows no time"),
    pytest.param(
        listed(integration(created_at=LATER), integration()), [RENEWED], [], id="two auth types, since the last"
    ),
    pytest.param(
        listed(integration(), integration(created_at=LATER)), [CONNECTED], [ANEW], id="one of two was made anew"
    ),
    pytest.param(
        listed(integration(created_at=None), integration(created_at=LATER)), [CONNECTED], [ANEW], id="of one, no time"
    ),
    # custom applications
    pytest.param(listed(custom()), [OURS], [], id="a custom one, as mirrored"),
    pytest.param(
        listed(custom()), [], [("order_desk", "changed", ["status"])], id="a custom one that the mirror does not show"
    ),
    pytest.param(
        listed(custom(created_at=LATER)), [OURS], [("order_desk", "changed", ["connected_at"])], id="a custom one anew"
    ),
    pytest.param(
        listed(custom("app-2")),
        [OURS],
        [("warehouse", "changed", ["status"]), ("order_desk", "gone", ["status"])],
        id="one custom application instead of another",
    ),
    pytest.param(listed(custom("app-9")), [], [], id="an unmapped one alone"),
    pytest.param(listed(custom("app-9"), integration()), [CONNECTED], [], id="an unmapped one beside one as mirrored"),
    pytest.param(
        listed(custom("app-9")), [CONNECTED], [CHANGED], id="one that may be the unmapped one does not seem gone"
    ),
    pytest.param(listed(custom("app-9")), [GONE], [], id="a disconnected one beside an unmapped one"),
    pytest.param(
        listed(),
        [{**CONNECTED, "slug": "custom"}],
        [("custom", "changed", ["status"])],
        id="the invented one of an earlier version does not seem gone",
    ),
    # several
    pytest.param(listed(integration(), integration("gmail")), [CONNECTED, MAIL], [], id="two, as mirrored"),
    pytest.param(listed(integration("gmail")), [CONNECTED, MAIL], [LOST], id="one of two is not listed any more"),
    pytest.param(
        listed(integration(needs_reauth=True), integration("gmail")), [CONNECTED, MAIL], [CHANGED], id="one expired"
    ),
    pytest.param(
        listed(integration("gmail")),
        [CONNECTED],
        [("gmail", "changed", ["status"]), LOST],
        id="one instead of another",
    ),
]


@pytest.mark.parametrize(("account", "rows", "expected"), CONNECTIONS)
def test_each_connection_is_compared(
    account: LinkedAccount, rows: list[dict[str, Any]], expected: list[tuple[str, str, list[str]]]
) -> None:
    assert suspected(account, *rows) == expected


def test_account_and_connections_are_suspected_one_by_one() -> None:
    assert suspected(listed(), CONNECTED, name="Other") == [("", "changed", ["name"]), LOST]


def test_nothing_under_a_deleted_account_is_suspected() -> None:
    assert suspected(listed(integration()), CONNECTED, status="deleted") == [("", "changed", ["status"])]
    assert suspected(listed(), CONNECTED, status="deleted") == [("", "changed", ["status"])]


def test_a_suspicion_bears_the_account() -> None:
    known = Known(account=account_row(name="Other"), connections={"gmail": connection_row(**MAIL)})
    found = list(compare(listed(integration(), integration("jira")), known, SLUGS))

    assert [one.linked_account_id for one in found] == ["acme"] * 4
    assert {one.slug for one in found} == {"", "slack", "jira", "gmail"}
