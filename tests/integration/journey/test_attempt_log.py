"""Each attempt leaves one line, and no secret is in it."""

import json
from typing import Any

import pytest
import structlog

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.world import World


def lines(captured: Any) -> list[dict[str, Any]]:
    return [line for line in captured if line["event"] == "attempt"]


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_each_attempt_is_a_line_with_its_events_and_without_secrets(world: World) -> None:
    sign_up = UserSignedUp("acme", name="Acme", udf={}, auth_credentials={"token": "s3cret-credential"})
    refused = ConfigChanged("acme", "slack", fields={"channel": 5})
    secret = ConfigChanged("acme", "postgresql", fields={"password": "s3cret-password"})
    with structlog.testing.capture_logs() as captured:
        world.publish(sign_up)
        world.work()
        for slug in ("slack", "postgresql"):
            world.sandbox.connect("acme", slug)
            world.publish(ConnectionAuthorized("acme", slug))
        world.work()
        world.publish(refused, secret)
        world.work()
        world.sandbox.add_faults(Fault(linked_account_id="acme", status=500))
        late = ConfigChanged("acme", "slack", fields={"mention": "@here"})
        world.publish(late)
        world.work()

    told = lines(captured)
    outcomes = [(line["slug"], outcome, ids) for line in told for outcome, ids in line["events"].items()]
    assert ("", "done", [sign_up.id]) in outcomes
    assert ("slack", "dead", [refused.id]) in outcomes
    assert ("slack", "retry", [late.id]) in outcomes
    assert len({line["attempt"] for line in told}) == len(told)
    attempts = {row["attempt"] for row in world.rows("calls")}
    assert {line["attempt"] for line in told if line["calls"]} == attempts
    assert all(line["account"] == "acme" and line["ms"] >= 0 for line in told)
    assert next(line for line in told if "retry" in line["events"])["reason"]
    for secret_text in ("s3cret", world.key):
        assert secret_text not in json.dumps(captured, default=str)
