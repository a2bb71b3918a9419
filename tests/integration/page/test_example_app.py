"""The example app: sign-up in one transaction, and notices that it shows to whom they are about."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from standardwebhooks import Webhook

from examples.fastapi.app import create_app
from tests.integration.page.conftest import send

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def app(host_environment: str) -> FastAPI:
    """The example, on the database with the mirror."""
    return create_app(create_engine(host_environment), session_secret="of the test", notices_secret=SECRET)


def sign_up(app: FastAPI, email: str) -> httpx.Response:
    return send(app, "POST", "/sign-up", data={"company": "Acme Ltd", "email": email, "password": "correct horse"})


def home(app: FastAPI, user: httpx.Response) -> str:
    """What somebody who has signed up sees."""
    return send(app, "GET", "/", cookies=dict(user.cookies)).text


def notify(app: FastAPI, notice: dict[str, Any], *, secret: str = SECRET) -> int:
    body, now = json.dumps(notice), datetime.now(tz=UTC)
    headers = {
        "webhook-id": notice["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(notice["id"], now, body),
    }
    return send(app, "POST", "/notices", content=body, headers=headers).status_code


def notice_of(user_id: str, **more: Any) -> dict[str, Any]:
    data = {"account": {"id": user_id}, "slug": "slack", "reconnect_url": "https://mirror.example/reconnect/x"}
    return {"type": "connection.reauth_required", "id": "msg_1", "data": data, **more}


def rows(app: FastAPI, statement: str) -> list[tuple[Any, ...]]:
    with app.state.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_a_user_and_the_event_are_saved_together_or_not_at_all(app: FastAPI) -> None:
    assert sign_up(app, "ann@acme.example").headers["location"] == "/integrations/"
    assert sign_up(app, "Ann@acme.example").status_code == 409

    [(user_id,)] = rows(app, "SELECT id FROM users")
    assert rows(app, "SELECT type, linked_account_id FROM events") == [("user_signed_up", user_id)]


def test_who_has_left_is_signed_in_nowhere(app: FastAPI) -> None:
    ann = sign_up(app, "ann@acme.example")
    assert send(app, "GET", "/integrations/", cookies=dict(ann.cookies)).status_code == 200

    send(app, "POST", "/leave", cookies=dict(ann.cookies))

    assert send(app, "GET", "/integrations/", cookies=dict(ann.cookies)).status_code == 303
    assert rows(app, "SELECT type FROM events ORDER BY number") == [("user_signed_up",), ("user_deleted",)]


def test_a_notice_is_kept_once_and_shown_to_whom_it_is_about(app: FastAPI) -> None:
    ann, bob = sign_up(app, "ann@acme.example"), sign_up(app, "bob@other.example")
    [(user_id,)] = rows(app, "SELECT id FROM users WHERE email = 'ann@acme.example'")

    assert [notify(app, notice_of(user_id)) for _ in range(2)] == [204, 204]
    assert notify(app, notice_of(user_id, id="msg_2", type="work.halted", data={"account": None})) == 204

    assert home(app, ann).count("slack has to be connected again") == 1
    assert "https://mirror.example/reconnect/x" in home(app, ann)
    assert "There are none." in home(app, bob)


def test_a_notice_that_is_not_the_mirror_s_is_refused(app: FastAPI) -> None:
    other = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVlc="

    assert notify(app, notice_of("ann"), secret=other) == 401
    assert send(app, "POST", "/notices", content=b"{}").status_code == 401
    assert rows(app, "SELECT id FROM received_notices") == []
