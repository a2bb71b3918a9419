"""Reads that lag behind: what they show, for how long, and that writes and the state do not lag."""

import pytest

from cobalt_mirror.cobalt import Client, UnknownAccount
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from tests.unit.handlers.clock import Clock

ACCOUNT, SLUG = "acme", "slack"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    sandbox = Sandbox(clock=clock, rate_limited=False)
    sandbox.change_settings(stale_reads=1, stale_seconds=3)
    return sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client("tk_sandbox", base_url="http://sandbox", transport=SandboxTransport(sandbox))


def test_an_account_does_not_show_until_the_copy_has_it(client: Client, clock: Clock) -> None:
    client.upsert_account(ACCOUNT, name="Acme")
    for clock.second in (0, 2.999):
        with pytest.raises(UnknownAccount):
            client.fetch_account(ACCOUNT)
        assert not client.fetch_accounts().accounts

    clock.second = 3
    assert client.fetch_account(ACCOUNT).name == "Acme"


def test_what_changes_by_hand_lags_as_well(client: Client, clock: Clock, sandbox: Sandbox) -> None:
    client.upsert_account(ACCOUNT)
    clock.second = 10
    sandbox.connect(ACCOUNT, SLUG)
    clock.second = 12
    sandbox.expire_connection(ACCOUNT, SLUG)

    shown = []
    for clock.second in (12, 13, 14.9, 15):
        application = client.fetch_application(ACCOUNT, SLUG)
        shown.append([account.status for account in application.connected_accounts])
    assert shown == [[], ["active"], ["active"], ["expired"]]


def test_what_is_gone_shows_until_the_copy_has_lost_it(client: Client, clock: Clock) -> None:
    client.upsert_account(ACCOUNT)
    clock.second = 10
    client.delete_account(ACCOUNT)
    clock.second = 12.9
    assert client.fetch_account(ACCOUNT).linked_account_id == ACCOUNT

    clock.second = 13
    with pytest.raises(UnknownAccount):
        client.fetch_account(ACCOUNT)


def test_writes_and_the_state_never_lag(client: Client, clock: Clock, sandbox: Sandbox) -> None:
    client.upsert_account(ACCOUNT, name="Old")
    clock.second = 10
    client.upsert_account(ACCOUNT, name="New")
    assert client.fetch_account(ACCOUNT).name == "Old"

    assert client.upsert_account(ACCOUNT).name == "New"
    assert [account["name"] for account in sandbox.state()["accounts"]] == ["New"]


def test_a_share_of_the_reads_lags(client: Client, sandbox: Sandbox) -> None:
    sandbox.change_settings(stale_reads=0.5)
    client.upsert_account(ACCOUNT)
    shown = 0
    for _ in range(100):
        shown += len(client.fetch_accounts().accounts)

    assert 20 < shown < 80
