"""Events over HTTP: CloudEvents from whoever knows the token, all of a batch or none."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event as engine_event

from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import EVENTS_TOKEN, Endpoints
from tests.world import World


def signed_up(id_: str = "1", account: str = "acme", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "shop",
        "type": "user_signed_up",
        "time": "2026-01-31T12:00:00Z",
        "data": {"linked_account_id": account, **data},
    }


def of_a_connection(id_: str = "1", type_: str = "connection_removed", **data: Any) -> dict[str, Any]:
    return {**signed_up(id_, slug="slack", **data), "type": type_}


@pytest.mark.parametrize("kind", ["cloudevents+json", "json", "cloudevents+json; charset=utf-8"])
def test_an_event_is_accepted_after_its_commit(endpoints: Endpoints, kind: str) -> None:
    answer = endpoints.post_events(signed_up(name="Acme"), kind=kind)

    assert answer.status_code == 202
    assert answer.json() == {"receipts": [{"source": "shop", "id": "1", "is_new": True}]}
    row = endpoints.world.row("events")
    assert (row["type"], row["linked_account_id"], row["payload"]) == ("user_signed_up", "acme", {"name": "Acme"})
    endpoints.world.work_until_quiet()
    assert endpoints.world.mirror()["accounts"] == {"acme": ("Acme", {})}


@pytest.mark.parametrize("is_batch", [True, False])
def test_events_of_one_second_are_carried_out_as_they_came(endpoints: Endpoints, is_batch: bool) -> None:
    ends: list[dict[str, Any]] = []
    for number in range(20):
        account = f"customer {number}"
        ends.append({**signed_up(f"z{number}", account), "type": "user_deleted"})
        ends += [signed_up(f"m{number}", account, name="Old"), signed_up(f"a{number}", account, name="New")]
    for events in [ends] if is_batch else ends:
        kind = "cloudevents-batch+json" if is_batch else "cloudevents+json"
        assert endpoints.post_events(events, kind=kind).status_code == 202
    endpoints.world.work_until_quiet()

    assert {name for name, _ in endpoints.world.truth()["accounts"].values()} == {"New"}
    assert len(endpoints.world.mirror()["accounts"]) == 20
    assert endpoints.world.mirror() == endpoints.world.truth()


@pytest.mark.parametrize("type_", ["connection_authorized", "config_changed", "config_removed", "connection_removed"])
def test_an_event_may_name_its_connection(endpoints: Endpoints, type_: str) -> None:
    batch = [of_a_connection("1", type_, connection_id="c1"), of_a_connection("2", type_)]

    assert endpoints.post_events(batch, kind="cloudevents-batch+json").status_code == 202
    named = {row["id"]: row["payload"].get("connection_id") for row in endpoints.world.rows("events")}
    assert named == {"1": "c1", "2": None}


def test_202_is_said_only_when_the_rows_are_committed(endpoints: Endpoints) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("the disk is full")

    batch = [signed_up("1"), signed_up("2")]
    engine_event.listen(endpoints.world.engine, "commit", fail)
    assert endpoints.post_events(batch, kind="cloudevents-batch+json").status_code == 500
    engine_event.remove(endpoints.world.engine, "commit", fail)

    assert endpoints.world.rows("events") == []
    assert endpoints.post_events(batch, kind="cloudevents-batch+json").status_code == 202


def test_a_database_that_fails_is_answered_503(endpoints: Endpoints) -> None:
    with endpoints.world.engine.begin() as connection:
        prefix = "" if connection.dialect.name == "sqlite" else "cobalt_mirror."
        connection.exec_driver_sql(f"ALTER TABLE {prefix}events RENAME TO away")

    answer = endpoints.post_events(signed_up(name="Ada Lovelace"))

    assert answer.status_code == 503
    assert "Ada" not in answer.text


def test_the_same_event_again_is_accepted_and_not_new(endpoints: Endpoints) -> None:
    endpoints.post_events(signed_up())

    answer = endpoints.post_events(signed_up())

    assert (answer.status_code, answer.json()["receipts"][0]["is_new"]) == (202, False)
    assert len(endpoints.world.rows("events")) == 1


def test_a_batch_is_accepted_with_a_receipt_each(endpoints: Endpoints) -> None:
    answer = endpoints.post_events(
        [signed_up("1"), signed_up("2", "other"), signed_up("1")], kind="cloudevents-batch+json"
    )

    assert answer.status_code == 202
    assert [(one["id"], one["is_new"]) for one in answer.json()["receipts"]] == [("1", True), ("2", True), ("1", False)]
    assert [row["id"] for row in endpoints.world.rows("events")] == ["1", "2"]


def test_an_empty_batch_is_fine(endpoints: Endpoints) -> None:
    answer = endpoints.post_events([], kind="cloudevents-batch+json")

    assert (answer.status_code, answer.json()) == (202, {"receipts": []})


def test_a_batch_with_one_bad_event_is_refused_whole_and_the_bad_one_is_named(endpoints: Endpoints) -> None:
    bad = {**signed_up("2"), "data": {"linked_account_id": "acme", "name": 7}}

    answer = endpoints.post_events([signed_up("1"), bad, signed_up("3")], kind="cloudevents-batch+json")

    assert (answer.status_code, answer.json()["index"]) == (400, 1)
    assert answer.json()["error"].startswith("event 1: name:")
    assert endpoints.world.rows("events") == []


def test_a_batch_with_a_conflict_is_refused_whole(endpoints: Endpoints) -> None:
    endpoints.post_events(signed_up("1", name="Acme"))

    answer = endpoints.post_events([signed_up("2"), signed_up("1", name="Other")], kind="cloudevents-batch+json")

    assert answer.status_code == 409
    assert "'1' of source 'shop'" in answer.json()["error"]
    assert [row["id"] for row in endpoints.world.rows("events")] == ["1"]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({**signed_up(), "specversion": "0.3"}, "specversion"),
        ({**signed_up(), "type": "user_sang"}, "type"),
        ({**signed_up(), "time": "yesterday"}, "time"),
        (signed_up(account=""), "linked_account_id"),
        (signed_up(colour="red"), "colour"),
        (signed_up(udf={"plan": 1}), "udf.plan"),
        ([signed_up()], "event"),
        (of_a_connection(connection_id=" "), "connection_id: must not be blank"),
        (of_a_connection(connection_id="c1\n"), "connection_id: must not contain control characters"),
        (of_a_connection(connection_id="c" * 201), "connection_id: String should have at most 200"),
        (of_a_connection(connection_id=7), "connection_id: Input should be a valid string"),
        (signed_up(connection_id="c1"), "connection_id: user_signed_up has no such field"),
        (b"{", "not JSON"),
        (signed_up(udf={"x": "y" * 300_000}), "data: must be at most 262144 bytes"),
    ],
)
def test_a_bad_event_is_refused_by_its_field(endpoints: Endpoints, event: Any, field: str) -> None:
    answer = endpoints.post_events(event)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)
    assert endpoints.world.rows("events") == []


@pytest.mark.parametrize("token", [None, "", "wrong", EVENTS_TOKEN + "x", EVENTS_TOKEN[:-1]])
def test_nobody_enters_without_the_token(endpoints: Endpoints, token: str | None) -> None:
    answer = endpoints.post_events(signed_up(), token=token)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert endpoints.world.rows("events") == []


def test_another_scheme_with_the_right_token_does_not_enter(endpoints: Endpoints) -> None:
    headers = {"authorization": f"Basic {EVENTS_TOKEN}", "content-type": "application/json"}

    assert endpoints.request("POST", "/events", json=signed_up(), headers=headers).status_code == 401


@pytest.mark.parametrize("token", [None, "", "anything"])
def test_without_a_token_in_the_settings_the_door_is_closed(
    make_world: Callable[..., World], token: str | None
) -> None:
    world = make_world()
    closed = Endpoints(world, create_app(world.settings, engine=world.engine))

    answer = closed.post_events(signed_up(), token=token)

    assert (answer.status_code, answer.json()) == (
        403,
        {"error": "POST /events is disabled: EVENTS_TOKEN is not set; set it and restart"},
    )
    assert world.rows("events") == []


def test_credentials_without_keys_to_seal_them_are_the_operators_to_mend(make_world: Callable[..., World]) -> None:
    world = make_world(secret_keys="", options={"events_token": EVENTS_TOKEN})
    endpoints = Endpoints(world, create_app(world.settings, engine=world.engine))

    answer = endpoints.post_events(signed_up(auth_credentials={"token": "s3cret"}))

    assert answer.status_code == 503
    assert "MIRROR_SECRET_KEYS" in answer.json()["error"]
    assert "s3cret" not in answer.text
    assert world.rows("events") == []


def test_a_media_type_that_is_not_cloudevents_is_refused(endpoints: Endpoints) -> None:
    assert endpoints.post_events(signed_up(), kind="xml").status_code == 415


def test_a_body_over_1_mib_is_refused(endpoints: Endpoints) -> None:
    assert endpoints.post_events(b" " * (1024 * 1024 + 1)).status_code == 413
    assert endpoints.post_events(b" " * 1024 * 1024).status_code == 400
    assert endpoints.world.rows("events") == []


def test_a_full_batch_is_written_whole(endpoints: Endpoints) -> None:
    batch = [signed_up(str(number), f"customer {number}") for number in range(3_000)]

    answer = endpoints.post_events(batch, kind="cloudevents-batch+json")

    assert (answer.status_code, len(answer.json()["receipts"])) == (202, 3_000)
    assert len(endpoints.world.rows("events")) == 3_000
