"""Runs of workflows are counted once each; what a deleted account's notifications said is not kept."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from cobalt_mirror.cobalt import sign
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db import list_workflow_runs
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.statuses import RunEnding
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.workers.web import create_app
from cobalt_mirror.workers.web.notification import RUN_ENDINGS
from tests.integration.web.endpoints import Endpoints, connection_notification, workflow_notification
from tests.world import World


def test_runs_of_a_workflow_are_counted_each_instance_once(endpoints: Endpoints) -> None:
    for told in (
        workflow_notification(instance="i1"),
        workflow_notification("Workflow Errored", instance="i2", error={"message": "no such channel"}),
        workflow_notification("Workflow Errored", instance="i2", error={"message": "told again"}),
        workflow_notification(instance="i1"),
        workflow_notification(instance="i3"),
    ):
        assert endpoints.notify(told).status_code == 200

    with reading(endpoints.world.engine).begin() as connection:
        (run,) = list_workflow_runs(connection, "acme")
    assert (run.completed, run.errored, run.last_status) == (2, 1, "COMPLETED")
    assert (run.last_error, run.workflow_name, run.config_id) == ("no such channel", "Send alerts", "acme")
    assert run.last_errored_at is not None
    assert run.last_errored_at < run.last_run_at
    assert [row["instance_id"] for row in endpoints.world.rows("notifications")] == ["i1", "i2", "i3"]
    assert endpoints.world.rows("checks") == []


@pytest.mark.parametrize(("event", "counter"), [("Workflow Stopped", "stopped"), ("Workflow Timed Out", "timed_out")])
def test_runs_that_were_stopped_or_took_too_long_are_counted_each_once(
    endpoints: Endpoints, event: str, counter: str
) -> None:
    endpoints.notify(workflow_notification("Workflow Errored", instance="i1", error="no such channel"))
    for instance in ("i2", "i3", "i2"):
        told = workflow_notification(event, instance=instance, error="of no interest")
        assert endpoints.notify(told).status_code == 200

    with reading(endpoints.world.engine).begin() as connection:
        (run,) = list_workflow_runs(connection, "acme")
    counted = {"completed": 0, "errored": 1, "stopped": 0, "timed_out": 0, counter: 2}
    assert {name: getattr(run, name) for name in counted} == counted
    assert (run.last_status, run.last_error) == (
        event.removeprefix("Workflow ").upper().replace(" ", "_"),
        "no such channel",
    )


def test_every_ending_is_notified_by_one_event() -> None:
    assert sorted(RUN_ENDINGS.values()) == sorted(RunEnding)
    assert set(RUN_ENDINGS) == {name for name in EVENT_NAMES if name.startswith("Workflow")}


def test_the_same_instance_of_another_account_is_counted_for_it(endpoints: Endpoints) -> None:
    told = [workflow_notification(linked_account_id=account) for account in ("acme", "beta", "gamma")]
    for each in (*told, *told, *reversed(told)):
        assert endpoints.notify(each).status_code == 200

    counted = {row["linked_account_id"]: row["completed"] for row in endpoints.world.rows("workflow_runs")}
    assert counted == {"acme": 1, "beta": 1, "gamma": 1}
    rows = endpoints.world.rows("notifications")
    assert [(row["linked_account_id"], row["payload"]["instance_id"]) for row in rows] == [
        ("acme", "i1"),
        ("beta", "i1"),
        ("gamma", "i1"),
    ]


def test_the_same_instance_of_several_accounts_at_the_same_time_is_counted_once_each(endpoints: Endpoints) -> None:
    told = [workflow_notification(linked_account_id=f"a{number % 3}") for number in range(12)]
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(endpoints.notify, told)]

    assert [answer.status_code for answer in answers] == [200] * 12
    assert [row["completed"] for row in endpoints.world.rows("workflow_runs")] == [1, 1, 1]
    assert len(endpoints.world.rows("notifications")) == 3


def test_what_is_told_of_a_deleted_account_is_not_kept(endpoints: Endpoints) -> None:
    with endpoints.world.engine.begin() as connection:
        row = {"linked_account_id": "acme", "status": "deleted"}
        record_row(connection, linked_accounts, row, Because(at=endpoints.world.clock(), cause={}))

    for told in (
        workflow_notification("Workflow Errored", error="Ann's channel"),
        connection_notification(),
        {**connection_notification(), "event": "Ping"},
    ):
        assert endpoints.notify(told).status_code == 200

    assert [row["payload"] for row in endpoints.world.rows("notifications")] == [None, None, None]
    assert endpoints.world.rows("workflow_runs") == []
    endpoints.world.work_until_quiet()
    assert endpoints.world.row("linked_accounts")["status"] == "deleted"


#: Made with `printf %s BODY | openssl dgst -sha256 -hmac KEY`.
VECTORS = [
    ("tk_vector_current", '{"event":"Ping"}', "a9cebbe10c7de4b1b4419eb19af793028c9dca52d7e5a6e2efdf487dabbe2995"),
    ("tk_the_key_before", '{"event":"Ping"}', "a62263541a8e268de1e5470890258eac6673ad434bae7fd40e869e42a536baae"),
    ("tk_vector_current", '{ "event" : "Ping" }', "e37ca5cad38b2975981f33de513c91e66f8c9b1e001a41b92cce793b50e01c0d"),
    ("tk_vector_current", '{"event":"Grüße 👋"}', "f8edf249012e7c0992637a47fc65a164010b857389f228dd0ac8db4dbacfc33e"),
    ("tk_the_key_before", '{"event":"Grüße 👋"}', "cfd405641cb0784016f12c106f4db7ca3d1e95a97aef91bedf34f6701638ce96"),
    ("tk_vector_current", '{"event":"Ping"}\n', "e23d3060e1f102a20691fb36a5b85180503880e314a5c08e36cbe91ffdd41422"),
]


@pytest.mark.parametrize(("key", "body", "signature"), VECTORS)
def test_signatures_that_another_program_made_are_believed_for_their_own_bytes_and_keys_only(
    world: World, key: str, body: str, signature: str
) -> None:
    def status(sent: str, *, current: str, before: str = "") -> int:
        keys = {"cobalt_api_key": SecretStr(current), "cobalt_previous_api_key": SecretStr(before)}
        endpoints = Endpoints(world, create_app(world.settings.model_copy(update=keys), engine=world.engine))
        headers = {"x-cobalt-signature": signature}
        return endpoints.request("POST", "/webhooks/cobalt", content=sent.encode(), headers=headers).status_code

    assert status(body, current=key) == 200
    assert status(body, current="tk_new", before=key) == 200
    assert status(body, current="tk_new") == 401
    assert status(body, current="", before="") == 401
    assert status(body + " ", current=key) == 401
    assert len(world.rows("notifications")) == 2


def test_a_run_that_errored_without_a_reason_is_told_by_its_status(endpoints: Endpoints) -> None:
    endpoints.notify(workflow_notification("Workflow Errored"))

    assert endpoints.world.row("workflow_runs")["last_error"] == "ERRORED"


def test_a_host_may_mount_it_in_its_own_application(endpoints: Endpoints) -> None:
    host = Endpoints(endpoints.world, Starlette(routes=[Mount("/mirror", app=endpoints.app)]))
    body = json.dumps(connection_notification()).encode()
    headers = {"x-cobalt-signature": sign(body, "tk_sandbox")}

    assert host.request("POST", "/mirror/webhooks/cobalt", content=body, headers=headers).status_code == 200
    assert host.request("POST", "/mirror/webhooks/cobalt", content=body).json()["error"].startswith("no x-cobalt")
    assert host.request("GET", "/mirror/readyz").json() == {"database": "ready"}
    assert len(endpoints.world.rows("notifications")) == 1


def test_the_same_runs_told_at_the_same_time_are_counted_once(endpoints: Endpoints) -> None:
    told = [workflow_notification(instance=f"i{number % 4}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(endpoints.notify, told), *pool.map(endpoints.notify, [connection_notification()] * 8)]

    assert [answer.status_code for answer in answers] == [200] * 24
    assert endpoints.world.row("workflow_runs")["completed"] == 4
    assert len(endpoints.world.rows("notifications", slug="slack")) == 8
    assert len(endpoints.world.rows("checks")) == 1


def test_only_post_is_served(endpoints: Endpoints) -> None:
    assert endpoints.request("GET", "/webhooks/cobalt").status_code == 405
    assert endpoints.request("POST", "/nowhere").status_code == 404
