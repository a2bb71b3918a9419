"""The state of a sandbox survives a restart, whole, and nothing is made twice."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.catalogue import Catalogue, bundled_catalogue
from cobalt_mirror.cobalt.sandbox.keeper import Keeper
from cobalt_mirror.cobalt.sandbox.saving import UnusableState
from tests.unit.sandbox.conftest import CONFIG, INTEGRATION, PUBLIC, Api, TestClock, ok

HOOK = {"webhook_url": "https://a.example", "webhook_events": ["Connection Created"]}


@pytest.fixture
def used(api: Api, sandbox: Sandbox, clock: TestClock) -> Api:
    """Everything that a sandbox can hold, in both environments."""
    ok(api("POST", f"{PUBLIC}/webhook", json=HOOK))
    api.upsert("acme", udf={"plan": "gold"}, your_app={"auth_credentials": {"token": "s3cret"}})
    api.upsert("néw/1")
    sandbox.connect("acme", "salesforce")
    for _ in range(2):
        connection_id = sandbox.connect("acme", "xero", user_defined_fields={"n": [1, None]})
        ok(api("POST", CONFIG, json={"slug": "xero", "connection_id": connection_id}))
    ok(api("POST", CONFIG, json={"slug": "stripe", "config_id": "a,b", "labels": {"x": []}}))
    body = {"slug": "stripe", "config_id": "a,b", "fields": {"currency": "eur", "signing_secret": "whsec"}}
    ok(api("PUT", CONFIG, json=body))
    sandbox.expire_connection("acme", "salesforce")
    sandbox.disable_application("github")
    Api(sandbox, clock, key="pk_sandbox").upsert("acme")
    return api


def restarted(sandbox: Sandbox, clock: TestClock) -> Sandbox:
    another = Sandbox(clock=clock, rate_limited=False)
    another.restore(sandbox.saved_state())
    return another


def test_the_state_after_a_restart_is_the_state_before(used: Api, sandbox: Sandbox, clock: TestClock) -> None:
    token = used.token()
    after = restarted(sandbox, clock)

    assert after.state(secrets=True) == sandbox.state(secrets=True)
    assert after.saved_state() != sandbox.saved_state()  # it counts the starts
    assert json.loads(after.saved_state()) == {**json.loads(sandbox.saved_state()), "starts": 1}
    assert Api(after, clock).token() == token
    waiting = [(each.n, each.body, each.due_at) for each in sandbox.take_notifications(all_of_them=True)]
    assert [(each.n, each.body, each.due_at) for each in after.take_notifications(all_of_them=True)] == waiting != []


def test_what_was_begun_before_a_restart_ends_after_it(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    address = ok(api("GET", f"{INTEGRATION}/oauth-url/slack"))["auth_url"]
    browser = api.browser()
    after = restarted(sandbox, clock)

    form = dict(api.http.build_request("GET", address).url.params)
    assert Api(after, clock).http.post("/consent", data=form).status_code == 200
    assert [row["slug"] for row in after.state()["connections"]] == ["slack"]
    token = {"authorization": browser.headers["authorization"]}
    assert Api(after, clock).http.get("/api/v3/org/basics", headers=token).status_code == 200


def test_no_id_is_made_twice(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    """Two sandboxes of one seed make the same ids, so a sandbox that went on with its seed would repeat them."""
    ids = set()
    for start in range(3):
        current = Api(sandbox, clock)
        ids |= {current.upsert(f"{start} {number}")["_id"] for number in range(5)}
        ids.add(ok(current("POST", f"{PUBLIC}/webhook", json=HOOK))["_id"])
        sandbox = restarted(sandbox, clock)

    assert len(ids) == 18
    assert len(ok(Api(sandbox, clock)("GET", f"{PUBLIC}/webhook"))) == 3


def changed(saved_state: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(saved_state), **changes}).encode()


@pytest.mark.parametrize(
    ("saved_state", "reason"),
    [
        (b"", "no state of this release"),
        (b"{}", "no state of this release"),
        (b"\xff", "no state of this release"),
        (changed(Sandbox().saved_state(), version=2), "version 2"),
        (changed(Sandbox().saved_state(), colour="red", accounts=None), "no state of this release"),
    ],
)
def test_a_file_that_is_no_state_is_named_and_left_alone(tmp_path: Path, saved_state: bytes, reason: str) -> None:
    file = tmp_path / "sandbox.json"
    file.write_bytes(saved_state)

    with pytest.raises(UnusableState, match=reason) as raised:
        Keeper(Sandbox(), file).load()
    assert str(file) in str(raised.value)
    assert file.read_bytes() == saved_state


def test_a_state_with_applications_that_the_catalogue_lacks_is_refused(
    used: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    state = sandbox.saved_state()
    other = Sandbox(clock=clock, catalogue=Catalogue(application=bundled_catalogue().applications[:1]))

    with pytest.raises(UnusableState, match="salesforce, stripe, xero"):
        other.restore(state)
    assert other.state()["accounts"] == []


def test_the_file_is_written_at_the_start_and_the_end_for_its_owner_only(
    api: Api, sandbox: Sandbox, clock: TestClock, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "sandbox.json"
    keeper = Keeper(sandbox, file)
    assert keeper.load() is False
    keeper.start()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    api.upsert("later")
    keeper.stop()

    after = Sandbox(clock=clock)
    assert Keeper(after, file).load() is True
    assert [row["linked_account_id"] for row in after.state()["accounts"]] == ["acme", "later"]
    assert sorted(each.name for each in file.parent.iterdir()) == [".sandbox.json.lock", "sandbox.json"]
