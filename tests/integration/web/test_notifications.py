"""What Cobalt tells is kept, committed before 200, and makes its subject due."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event as engine_event
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs

from cobalt_mirror.cobalt import sign
from cobalt_mirror.db import list_workflow_runs
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.mirror import Because, record_row
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import PREVIOUS_KEY, Endpoints, connection_notification, workflow_notification
from tests.world import World


@pytest.mark.parametrize("name", ["Connection Created", "Connection Deleted", "Connection Expired"])
def test_a_connection_notification_is_kept_and_makes_its_subject_due(endpoints: Endpoints, name: str) -> None:
    answer = endpoints.notify(connection_notification(name))

    assert answer.status_code == 200
    row = endpoints.world.row("notifications")
    assert (row["event"], row["linked_account_id"], row["slug"]) == (name, "acme", "slack")
    assert row["payload"] == connection_notification(name)
    check = endpoints.world.row("checks")
    assert (check["linked_account_id"], check["slug"]) == ("acme", "slack")
    assert check["due_at"] == row["received_at"]
    assert endpoints.world.due_accounts() == ["acme"]


def test_the_key_before_is_accepted_too(endpoints: Endpoints) -> None:
    assert endpoints.notify(connection_notification(), key=PREVIOUS_KEY).status_code == 200
    assert len(endpoints.world.rows("notifications")) == 1


@pytest.mark.parametrize("key", ["tk_of_somebody_else", "", "pk_sandbox"])
def test_another_signature_is_refused_and_nothing_is_stored(endpoints: Endpoints, key: str) -> None:
    assert endpoints.notify(connection_notification(), key=key).status_code == 401
    assert (endpoints.world.rows("notifications"), endpoints.world.rows("checks")) == ([], [])


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda _: "", lambda _: "é", lambda t: f" x{t}"])
def test_a_signature_that_is_nearly_right_is_refused(endpoints: Endpoints, change: Any) -> None:
    body = json.dumps(connection_notification()).encode()
    wrong = change(sign(body, "tk_sandbox")).encode("latin-1")

    answer = endpoints.request("POST", "/webhooks/cobalt", content=body, headers={b"x-cobalt-signature": wrong})

    assert answer.status_code == 401
    assert endpoints.world.rows("notifications") == []


def test_who_is_refused_is_logged_without_what_was_said(endpoints: Endpoints) -> None:
    secret = {**connection_notification(), "note": "for-nobody-else"}
    with capture_logs() as logged:
        endpoints.notify(secret, key="tk_of_somebody_else")
        endpoints.request("POST", "/webhooks/cobalt", json=secret)

    assert [(one["event"], one["log_level"]) for one in logged] == [("notification_refused", "warning")] * 2
    assert [one["reason"].startswith(("no x-", "x-cobalt-signature matches no")) for one in logged] == [True, True]
    assert "for-nobody-else" not in repr(logged)
    assert "tk_" not in repr(logged)


def test_a_missing_signature_is_refused_and_said_so(endpoints: Endpoints) -> None:
    answer = endpoints.request("POST", "/webhooks/cobalt", json=connection_notification())

    assert answer.status_code == 401
    assert answer.json() == {"error": "no x-cobalt-signature: sign the raw body with the API key"}
    assert endpoints.world.rows("notifications") == []


def test_the_signature_is_over_the_bytes_and_not_over_what_they_say(endpoints: Endpoints) -> None:
    body, same = (
        json.dumps(connection_notification()).encode(),
        json.dumps(connection_notification(), indent=1).encode(),
    )

    answer = endpoints.request(
        "POST", "/webhooks/cobalt", content=same, headers={"x-cobalt-signature": sign(body, "tk_sandbox")}
    )

    assert answer.status_code == 401


def test_an_event_that_nobody_knows_is_kept_and_does_nothing_else(endpoints: Endpoints) -> None:
    told = {"event": "Account Renamed", "linked_account_id": "acme", "deep": {"x": [1, None, "\x00"]}}

    assert endpoints.notify(told).status_code == 200

    row = endpoints.world.row("notifications")
    assert (row["event"], row["linked_account_id"], row["payload"]["deep"]["x"][:2]) == (
        "Account Renamed",
        "acme",
        [1, None],
    )
    assert (endpoints.world.rows("checks"), endpoints.world.rows("workflow_runs")) == ([], [])


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ([], "notification"),
        ("text", "notification"),
        (None, "notification"),
        ({}, "event"),
        ({"event": 7}, "event"),
        ({"event": ""}, "event"),
        ({"event": "x" * 201}, "event"),
        ({"event": "Connection Created", "slug": "slack"}, "linked_account_id"),
        (connection_notification(account=""), "linked_account_id"),
        (connection_notification(account="a\x00b"), "linked_account_id"),
        (connection_notification(account="x" * 201), "linked_account_id"),
        ({**connection_notification(), "slug": None}, "slug"),
        (connection_notification(slug=".."), "slug"),
        ({**workflow_notification(), "instance_id": 7}, "instance_id"),
        ({**workflow_notification(), "workflow_id": []}, "workflow_id"),
        ({**workflow_notification(), "workflow_name": {}}, "workflow_name"),
    ],
)
def test_a_shape_that_is_not_known_is_refused_by_its_field(endpoints: Endpoints, told: Any, field: str) -> None:
    answer = endpoints.notify(told)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)
    assert (endpoints.world.rows("notifications"), endpoints.world.rows("checks")) == ([], [])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"NaN", b"[1e999]", b"[" * 60_000, b'{"a":' * 9_000, b"9" * 5_000]
)
def test_what_is_not_json_is_refused(endpoints: Endpoints, body: bytes) -> None:
    answer = endpoints.notify(body)

    assert answer.status_code == 400
    assert endpoints.world.rows("notifications") == []


def test_a_body_over_64_kib_is_refused_whether_its_head_says_so_or_not(endpoints: Endpoints) -> None:
    large = json.dumps({**connection_notification(), "x": "x" * 64 * 1024}).encode()
    read: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, 10 * 1024 * 1024, 16 * 1024):
            read.append(start)
            yield b" " * 16 * 1024

    assert endpoints.notify(large).status_code == 413
    headers = {"x-cobalt-signature": sign(b"", "tk_sandbox")}
    assert endpoints.request("POST", "/webhooks/cobalt", content=pieces(), headers=headers).status_code == 413
    assert len(read) < 10, "what is too large is not read to its end"
    assert endpoints.world.rows("notifications") == []


def test_a_body_of_exactly_64_kib_is_taken(endpoints: Endpoints) -> None:
    told = json.dumps({**connection_notification(), "x": ""}).encode()
    body = told[:-2] + b"x" * (64 * 1024 - len(told)) + told[-2:]

    assert (len(body), endpoints.notify(body).status_code) == (64 * 1024, 200)
    assert endpoints.notify(body + b" ").status_code == 413


def test_200_is_said_only_when_the_row_is_committed(endpoints: Endpoints) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("the disk is full")

    engine_event.listen(endpoints.world.engine, "commit", fail)
    assert endpoints.notify(connection_notification()).status_code == 500
    engine_event.remove(endpoints.world.engine, "commit", fail)

    assert endpoints.world.rows("notifications") == []
    assert endpoints.notify(connection_notification()).status_code == 200


def test_a_database_that_fails_is_answered_503(endpoints: Endpoints) -> None:
    with endpoints.world.engine.begin() as connection:
        prefix = "" if connection.dialect.name == "sqlite" else "cobalt_mirror."
        connection.exec_driver_sql(f"ALTER TABLE {prefix}notifications RENAME TO away")

    assert endpoints.notify(connection_notification()).status_code == 503
    assert endpoints.world.rows("checks") == []


def test_equal_notifications_about_a_connection_are_all_kept_and_become_one_read(endpoints: Endpoints) -> None:
    endpoints.world.publish(UserSignedUp("acme", name="Acme", udf={}))
    endpoints.world.work_until_quiet()
    endpoints.world.sandbox.connect("acme", "slack")
    endpoints.world.calls()
    for name in ("Connection Created", "Connection Deleted", "Connection Created", "Connection Created"):
        assert endpoints.notify(connection_notification(name)).status_code == 200
    endpoints.world.work_until_quiet()

    assert len(endpoints.world.rows("notifications")) == 4
    assert endpoints.world.calls().count("read_application") == 1
    assert endpoints.world.rows("checks") == []
    assert endpoints.world.mirror() == endpoints.world.truth()


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
