"""The body of a webhook and its signature."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from cobalt_mirror.db.notices import Content
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.workers.notices.notice import Notice, make_body, make_notice
from cobalt_mirror.workers.notices.signing import signed_headers
from tests.unit.notices.rows import NOON, notice

NOON_TEXT = "2026-05-01T12:00:00.000000Z"


def made(type_: ChangeType = ChangeType.CONNECTION_REAUTH_REQUIRED, **content: Any) -> Notice:
    return make_notice(notice(type_), Content(**content), reconnect_url=None)


@pytest.mark.parametrize(
    ("type_", "data", "since"),
    [
        (ChangeType.CONNECTION_REAUTH_REQUIRED, {}, NOON_TEXT),
        (ChangeType.WORK_HALTED, {"reason": "no key"}, NOON_TEXT),
        (ChangeType.WORK_RESUMED, {"since": "2026-05-01T11:00:00+00:00"}, "2026-05-01T11:00:00+00:00"),
        (ChangeType.WORK_RESUMED, {"since": 5}, None),
        (ChangeType.CONNECTION_RECOVERED, {}, None),
        (ChangeType.EVENT_DEAD, {"reason": "refused"}, None),
    ],
)
def test_it_says_since_when_a_trouble_is_or_was(type_: ChangeType, data: dict[str, Any], since: str | None) -> None:
    assert made(type_, data=data).since == since


def test_values_of_a_config_are_not_in_it() -> None:
    body = make_body(made(ChangeType.CONFIG_CHANGED, data={"fields": {"channel": {"from": "#a", "to": "#b"}}}))

    assert b"#b" not in body
    assert json.loads(body)["data"]["config_id"] is None


def test_user_defined_fields_that_are_too_large_are_left_out() -> None:
    small, large = ({"note": "x" * length} for length in (15_000, 16_000))

    assert json.loads(make_body(made(udf=small)))["data"]["account"]["udf"] == small
    assert json.loads(make_body(made(udf=large)))["data"]["account"] == {"id": "acme", "name": None, "udf": None}


@given(st.text(max_size=20_000), st.text(max_size=20_000), st.dictionaries(st.text(), st.text(max_size=9_000)))
def test_it_is_always_small_enough(name: str, reason: str, udf: dict[str, str]) -> None:
    body = make_body(made(name=name, udf=udf, data={"reason": reason}))

    assert len(body) < 20_000
    assert json.loads(body)["type"] == "connection.reauth_required"


def test_the_longest_texts_are_cut() -> None:
    text = "\N{PILE OF POO}" * 1_001

    data = json.loads(make_body(replace(made(name=text), reason=text)))["data"]

    assert len(data["reason"]) == len(data["account"]["name"]) == 1_000
    assert data["reason"].endswith("…")


def test_the_library_of_standard_webhooks_verifies_each_signature() -> None:
    body, secrets = make_body(made(name="Ácme")), (b"1" * 24, b"2" * 24)

    headers = signed_headers(secrets, id_="msg_1", at=datetime.now(UTC), body=body)

    assert headers["webhook-signature"].count("v1,") == 2
    for secret in secrets:
        assert Webhook(secret).verify(body, headers)["data"]["account"]["name"] == "Ácme"
    assert NOON_TEXT in body.decode()
    assert NOON.isoformat() == "2026-05-01T12:00:00+00:00"


def test_the_link_is_not_in_the_text_of_a_notice_that_a_handler_logs() -> None:
    told = make_notice(notice(), Content(), reconnect_url="https://mirror.example.com/reconnect/s3cret")

    assert "s3cret" not in repr(told) + str(told)
