"""What identifies a connection in the demo's comparison: its id, and not a time that Cobalt moves by itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db import MirroredAccount, MirroredConfig, MirroredConnection
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.workers.demo.compare import MirrorRows, compare
from cobalt_mirror.workers.handlers.configs import config_columns
from cobalt_mirror.workers.handlers.reading import connection_columns

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Customer:
    """One customer of a sandbox whose time moves only when a test says so."""

    now: datetime = NOON

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(clock=lambda: self.now, rate_limited=False)
        self.client = Client("tk_sandbox", base_url="http://sandbox", transport=SandboxTransport(self.sandbox))
        self.client.upsert_account("acme", name="Acme", udf={})

    def later(self) -> None:
        self.now += timedelta(minutes=1)

    def mirrored(self, *slugs: str) -> MirrorRows:
        """What the workers would have written now."""
        account = MirroredAccount(
            linked_account_id="acme",
            name="Acme",
            udf={},
            environment="test",
            status=AccountStatus.ACTIVE,
            verified_at=self.now,
        )
        connections = [
            MirroredConnection(
                linked_account_id="acme",
                slug=slug,
                verified_at=self.now,
                **connection_columns(self.client.fetch_application("acme", slug).connected_accounts),
            )
            for slug in slugs
        ]
        configs = [self._config(slug, each.connection_id) for slug in slugs for each in self._configs(slug)]
        return MirrorRows(accounts=[account], connections=connections, configs=configs)

    def _configs(self, slug: str) -> list[Any]:
        return list(self.client.fetch_configs("acme", slug))

    def _config(self, slug: str, connection_id: str | None) -> MirroredConfig:
        config = self.client.fetch_config("acme", slug, config_id="acme", connection_id=connection_id)
        return MirroredConfig(
            linked_account_id="acme",
            slug=slug,
            config_id="acme",
            connection_id=connection_id or "",
            verified_at=self.now,
            **config_columns(config),
        )

    def columns(self, mirror: MirrorRows) -> list[str]:
        """The columns that differ now."""
        return [each.column for each in compare(mirror, self.sandbox.state())]


@pytest.fixture
def customer() -> Customer:
    return Customer()


def test_a_token_that_was_renewed_since_the_mirror_read_it_is_no_difference(customer: Customer) -> None:
    customer.sandbox.connect("acme", "slack")
    before = customer.mirrored("slack")
    customer.later()
    customer.sandbox.renew_token("acme", "slack")

    assert customer.columns(before) == []
    assert customer.columns(customer.mirrored("slack")) == []


def test_a_connection_that_was_made_anew_is_a_difference(customer: Customer) -> None:
    customer.sandbox.connect("acme", "slack")
    before = customer.mirrored("slack")
    customer.later()
    customer.sandbox.disconnect("acme", "slack")
    customer.sandbox.connect("acme", "slack")

    assert customer.columns(before) == ["accounts.oauth2.connected_at", "connected_at"]


#: The mirror's time in minutes after the connection was made; its token was renewed after two.
TIMES = [(-1, False), (0, True), (1, True), (2, True), (3, False)]


@pytest.mark.parametrize(("minutes", "agrees"), TIMES)
def test_a_time_between_the_connects_and_the_last_renewals_agrees(
    customer: Customer, minutes: int, agrees: bool
) -> None:
    customer.sandbox.connect("acme", "slack")
    mirror = customer.mirrored("slack")
    customer.later()
    customer.later()
    customer.sandbox.renew_token("acme", "slack")
    moved = [replace(row, connected_at=NOON + timedelta(minutes=minutes)) for row in mirror.connections]

    assert customer.columns(replace(mirror, connections=moved)) == ([] if agrees else ["connected_at"])


@pytest.fixture
def several(customer: Customer) -> tuple[str, str]:
    """Two connections of one application, by the same auth type, each with a config under the same id."""
    ids = [customer.sandbox.connect("acme", "xero", user_defined_fields={"region": each}) for each in ("eu", "us")]
    for number, connection_id in enumerate(ids):
        customer.client.config("acme", "xero", config_id="acme", connection_id=connection_id)
        customer.sandbox.edit_config(
            "acme", "xero", config_id="acme", connection_id=connection_id, fields={"account_code": str(number)}
        )
    first, second = ids
    assert first is not None
    assert second is not None
    return first, second


@pytest.mark.usefixtures("several")
def test_several_connections_and_their_configs_agree(customer: Customer) -> None:
    mirror = customer.mirrored("xero")

    assert (len(mirror.connections[0].accounts or ()), len(mirror.configs)) == (2, 2)
    assert customer.columns(mirror) == []


@pytest.mark.parametrize(
    "change",
    [{"auth_profile_id": "other"}, {"auth_profile_name": "Other"}, {"user_defined_fields": {"region": "asia"}}],
)
def test_what_the_caller_said_of_each_connection_is_compared(
    customer: Customer, several: tuple[str, str], change: dict[str, Any]
) -> None:
    mirror = customer.mirrored("xero")
    (row,) = mirror.connections
    accounts = [{**each, **change} if each["connection_id"] == several[1] else each for each in row.accounts or ()]

    found = customer.columns(replace(mirror, connections=[replace(row, accounts=accounts)]))
    assert found == [f"accounts.{several[1]}.{next(iter(change))}"]


def test_a_config_is_compared_with_that_of_its_own_connection(customer: Customer, several: tuple[str, str]) -> None:
    mirror = customer.mirrored("xero")
    swapped = [
        replace(row, connection_id=several[1] if row.connection_id == several[0] else several[0])
        for row in mirror.configs
    ]

    assert customer.columns(replace(mirror, configs=swapped)) == ["fields.account_code"] * 2


def test_one_connection_instead_of_another_is_a_difference(customer: Customer, several: tuple[str, str]) -> None:
    mirror = customer.mirrored("xero")
    customer.sandbox.disconnect("acme", "xero", connection_id=several[0])
    third = customer.sandbox.connect("acme", "xero")
    (row,) = mirror.connections

    found = {column.split(".")[1] for column in customer.columns(replace(mirror, configs=[])) if "accounts" in column}
    assert found == {several[0], third}
    assert len(row.accounts or ()) == 2
