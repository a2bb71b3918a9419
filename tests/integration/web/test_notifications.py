"""What Cobalt tells is kept, committed before 200, and makes its subject due."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event as engine_event
from structlog.testing import capture_logs

from cobalt_mirror.cobalt import sign
from cobalt_mirror.events import UserSignedUp
from tests.integration.web.doors import PREVIOUS_KEY, Doors, connection_told, workflow_told


@pytest.mark.parametrize("name", ["Connection Created", "Connection Deleted", "Connection Expired"])
def test_a_connection_told_is_kept_and_makes_its_subject_due(doors: Doors, name: str) -> None:
    answer = doors.tell(connection_told(name))

    assert answer.status_code == 200
    row = doors.world.row("notifications")
    assert (row["event"], row["linked_account_id"], row["slug"]) == (name, "acme", "slack")
    assert row["payload"] == connection_told(name)
    check = doors.world.row("checks")
    assert (check["linked_account_id"], check["slug"]) == ("acme", "slack")
    assert check["due_at"] == row["received_at"]
    assert doors.world.due_accounts() == ["acme"]


def test_the_key_before_is_accepted_too(doors: Doors) -> None:
    assert doors.tell(connection_told(), key=PREVIOUS_KEY).status_code == 200
    assert len(doors.world.rows("notifications")) == 1


@pytest.mark.parametrize("key", ["tk_of_somebody_else", "", "pk_sandbox"])
def test_another_signature_is_refused_and_nothing_is_stored(doors: Doors, key: str) -> None:
    assert doors.tell(connection_told(), key=key).status_code == 401
    assert (doors.world.rows("notifications"), doors.world.rows("checks")) == ([], [])


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda _: "", lambda _: "é", lambda t: f" x{t}"])
def test_a_signature_that_is_nearly_right_is_refused(doors: Doors, change: Any) -> None:
    body = json.dumps(connection_told()).encode()
    wrong = change(sign(body, "tk_sandbox")).encode("latin-1")

    answer = doors.request("POST", "/webhooks/cobalt", content=body, headers={b"x-cobalt-signature": wrong})

    assert answer.status_code == 401
    assert doors.world.rows("notifications") == []


def test_who_is_refused_is_logged_without_what_was_said(doors: Doors) -> None:
    secret = {**connection_told(), "note": "for-nobody-else"}
    with capture_logs() as logged:
        doors.tell(secret, key="tk_of_somebody_else")
        doors.request("POST", "/webhooks/cobalt", json=secret)

    assert [(one["event"], one["log_level"]) for one in logged] == [("notification_refused", "warning")] * 2
    assert [one["reason"].startswith(("no x-", "x-cobalt-signature is of no")) for one in logged] == [True, True]
    assert "for-nobody-else" not in repr(logged)
    assert "tk_" not in repr(logged)


def test_a_missing_signature_is_refused_and_said_so(doors: Doors) -> None:
    answer = doors.request("POST", "/webhooks/cobalt", json=connection_told())

    assert answer.status_code == 401
    assert answer.json() == {"error": "no x-cobalt-signature: sign the raw body with the API key"}
    assert doors.world.rows("notifications") == []


def test_the_signature_is_over_the_bytes_and_not_over_what_they_say(doors: Doors) -> None:
    body, same = json.dumps(connection_told()).encode(), json.dumps(connection_told(), indent=1).encode()

    answer = doors.request(
        "POST", "/webhooks/cobalt", content=same, headers={"x-cobalt-signature": sign(body, "tk_sandbox")}
    )

    assert answer.status_code == 401


def test_an_event_that_nobody_knows_is_kept_and_does_nothing_else(doors: Doors) -> None:
    told = {"event": "Account Renamed", "linked_account_id": "acme", "deep": {"x": [1, None, "\x00"]}}

    assert doors.tell(told).status_code == 200

    row = doors.world.row("notifications")
    assert (row["event"], row["linked_account_id"], row["payload"]["deep"]["x"][:2]) == (
        "Account Renamed",
        "acme",
        [1, None],
    )
    assert (doors.world.rows("checks"), doors.world.rows("workflow_runs")) == ([], [])


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
        (connection_told(account=""), "linked_account_id"),
        (connection_told(account="a\x00b"), "linked_account_id"),
        (connection_told(account="x" * 201), "linked_account_id"),
        ({**connection_told(), "slug": None}, "slug"),
        (connection_told(slug=".."), "slug"),
        ({**workflow_told(), "instance_id": 7}, "instance_id"),
        ({**workflow_told(), "workflow_id": []}, "workflow_id"),
        ({**workflow_told(), "workflow_name": {}}, "workflow_name"),
    ],
)
def test_a_shape_that_is_not_known_is_refused_by_its_field(doors: Doors, told: Any, field: str) -> None:
    answer = doors.tell(told)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)
    assert (doors.world.rows("notifications"), doors.world.rows("checks")) == ([], [])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"NaN", b"[1e999]", b"[" * 60_000, b'{"a":' * 9_000, b"9" * 5_000]
)
def test_what_is_not_json_is_refused(doors: Doors, body: bytes) -> None:
    answer = doors.tell(body)

    assert answer.status_code == 400
    assert doors.world.rows("notifications") == []


def test_a_body_over_64_kib_is_refused_whether_its_head_says_so_or_not(doors: Doors) -> None:
    large = json.dumps({**connection_told(), "x": "x" * 64 * 1024}).encode()
    read: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, 10 * 1024 * 1024, 16 * 1024):
            read.append(start)
            yield b" " * 16 * 1024

    assert doors.tell(large).status_code == 413
    headers = {"x-cobalt-signature": sign(b"", "tk_sandbox")}
    assert doors.request("POST", "/webhooks/cobalt", content=pieces(), headers=headers).status_code == 413
    assert len(read) < 10, "what is too large is not read to its end"
    assert doors.world.rows("notifications") == []


def test_a_body_of_exactly_64_kib_is_taken(doors: Doors) -> None:
    told = json.dumps({**connection_told(), "x": ""}).encode()
    body = told[:-2] + b"x" * (64 * 1024 - len(told)) + told[-2:]

    assert (len(body), doors.tell(body).status_code) == (64 * 1024, 200)
    assert doors.tell(body + b" ").status_code == 413


def test_200_is_said_only_when_the_row_is_committed(doors: Doors) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("the disk is full")

    engine_event.listen(doors.world.engine, "commit", fail)
    assert doors.tell(connection_told()).status_code == 500
    engine_event.remove(doors.world.engine, "commit", fail)

    assert doors.world.rows("notifications") == []
    assert doors.tell(connection_told()).status_code == 200


def test_a_database_that_fails_is_answered_503(doors: Doors) -> None:
    with doors.world.engine.begin() as connection:
        prefix = "" if connection.dialect.name == "sqlite" else "cobalt_mirror."
        connection.exec_driver_sql(f"ALTER TABLE {prefix}notifications RENAME TO away")

    assert doors.tell(connection_told()).status_code == 503
    assert doors.world.rows("checks") == []


def test_equal_notifications_about_a_connection_are_all_kept_and_become_one_read(doors: Doors) -> None:
    doors.world.publish(UserSignedUp("acme", name="Acme", udf={}))
    doors.world.work_until_quiet()
    doors.world.sandbox.connect("acme", "slack")
    doors.world.calls()
    for name in ("Connection Created", "Connection Deleted", "Connection Created", "Connection Created"):
        assert doors.tell(connection_told(name)).status_code == 200
    doors.world.work_until_quiet()

    assert len(doors.world.rows("notifications")) == 4
    assert doors.world.calls().count("read_application") == 1
    assert doors.world.rows("checks") == []
    assert doors.world.mirror() == doors.world.truth()
