"""What Cobalt tells is kept, committed before 200, and makes its subject due."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event as engine_event
from structlog.testing import capture_logs

from cobalt_mirror.cobalt import sign
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.web.notifications_endpoint import LARGEST_NOTIFICATION
from tests.integration.web.endpoints import PREVIOUS_KEY, Endpoints, connection_notification, workflow_notification


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
    ("custom", "wrong"),
    [
        ({"text": "*Workflow Errored*: Send alerts for acme"}, "event: Field required"),
        ({"event": "Workflow Errored", "account": "acme"}, "linked_account_id: Field required"),
        ({"event": "Workflow Stopped", "linked_account_id": "acme"}, "workflow_id: Field required"),
        ({"event": "Connection Expired", "linked_account_id": {"id": "acme"}, "slug": "slack"}, "linked_account_id: "),
        ("Workflow Errored", "notification: must be a JSON object"),
        (b"Workflow Errored for acme", "not JSON: "),
        (b"<event>Workflow Errored</event>", "not JSON: "),
    ],
)
def test_a_body_made_from_a_template_is_refused_with_what_to_do(endpoints: Endpoints, custom: Any, wrong: str) -> None:
    with capture_logs() as logged:
        answer = endpoints.notify(custom)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(wrong)
    assert answer.json()["error"].endswith(
        '; POST /webhooks/cobalt reads the default body of Cobalt\'s webhooks only; set webhook_type "default" on the '
        "subscription at Cobalt: run `cobalt-mirror webhook ensure URL`"
    )
    assert [(each["event"], each["reason"][:10]) for each in logged] == [("notification_refused", wrong[:10])]
    assert endpoints.world.rows("notifications") == []


@pytest.mark.parametrize("field", ["slug", "linked_account_id", "event"])
def test_a_default_body_with_a_value_that_cannot_be_is_not_taken_for_another_body(
    endpoints: Endpoints, field: str
) -> None:
    answer = endpoints.notify({**connection_notification(), field: "x" * 201})

    assert answer.json()["error"] == f"{field}: String should have at most 200 characters"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"NaN", b"[1e999]", b"[" * 60_000, b'{"a":' * 9_000, b"9" * 5_000]
)
def test_what_is_not_json_is_refused(endpoints: Endpoints, body: bytes) -> None:
    answer = endpoints.notify(body)

    assert answer.status_code == 400
    assert endpoints.world.rows("notifications") == []


def test_a_body_over_the_limit_is_refused_whether_its_head_says_so_or_not(endpoints: Endpoints) -> None:
    large = json.dumps({**connection_notification(), "x": "x" * LARGEST_NOTIFICATION}).encode()
    read: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, 10 * LARGEST_NOTIFICATION, LARGEST_NOTIFICATION // 4):
            read.append(start)
            yield b" " * (LARGEST_NOTIFICATION // 4)

    answer = endpoints.notify(large)
    assert (answer.status_code, answer.json()) == (413, {"error": "the body is over the limit of 1048576 bytes"})
    headers = {"x-cobalt-signature": sign(b"", "tk_sandbox")}
    assert endpoints.request("POST", "/webhooks/cobalt", content=pieces(), headers=headers).status_code == 413
    assert len(read) < 10, "what is too large is not read to its end"
    assert endpoints.world.rows("notifications") == []


def test_a_body_of_exactly_1_mib_is_taken(endpoints: Endpoints) -> None:
    told = json.dumps({**connection_notification(), "x": ""}).encode()
    body = told[:-2] + b"x" * (LARGEST_NOTIFICATION - len(told)) + told[-2:]

    assert (len(body), endpoints.notify(body).status_code) == (1024 * 1024, 200)
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
