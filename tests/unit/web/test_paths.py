"""Ids in paths: matched as they were sent, decoded once, at the top and below a host's path."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from cobalt_mirror.workers.web.paths import EncodedRoute, account_in_path, sent_path
from tests.asgi import ask

ROWS: list[tuple[dict[str, Any], str]] = [
    ({"path": "/a/b", "raw_path": b"/a/b"}, "/a/b"),
    ({"path": "/a/b/c", "raw_path": b"/a/b%2Fc"}, "/a/b%2Fc"),
    ({"path": "/a/b", "raw_path": b"/a/b?c=/d"}, "/a/b"),
    ({"path": "/x/a/b/c", "raw_path": b"/x/a/b%2Fc", "root_path": "/x"}, "/a/b%2Fc"),
    ({"path": "/x y/z/a", "raw_path": b"/x%20y/z/a", "root_path": "/x y/z"}, "/a"),
    ({"path": "/xa/b", "raw_path": b"/xa/b", "root_path": "/x"}, "/xa/b"),
    ({"path": "/x", "raw_path": b"/x", "root_path": "/x"}, "/"),
    ({"path": "/a/50% ü"}, "/a/50%25%20%C3%BC"),
    ({"path": "/a/b", "raw_path": None, "root_path": ""}, "/a/b"),
]


@pytest.mark.parametrize(("scope", "path"), ROWS)
def test_the_path_below_the_mount_is_what_was_sent(scope: dict[str, Any], path: str) -> None:
    assert sent_path(scope) == path


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(account_in_path(request))


ROUTES = [EncodedRoute("/accounts/{account_id}", echo), EncodedRoute("/accounts/{account_id}/history", echo)]


@pytest.mark.parametrize("root", ["", "/cobalt"])
@pytest.mark.parametrize(
    ("sent", "account"),
    [
        ("acme", "acme"),
        ("a%2Fb", "a/b"),
        ("a%2fhistory", "a/history"),
        ("a%252Fb", "a%2Fb"),
        ("a+b%20c", "a+b c"),
        ("%C3%BC%3F%23", "ü?#"),
        ("%2F", "/"),
    ],
)
def test_an_id_is_decoded_once_also_where_a_host_mounts_us(root: str, sent: str, account: str) -> None:
    app = Starlette(routes=[Mount(root, app=Starlette(routes=ROUTES))] if root else ROUTES)

    assert ask(app, f"{root}/accounts/{sent}").text == account
    assert ask(app, f"{root}/accounts/{sent}/history").text == account


@pytest.mark.parametrize("sent", ["%FF", "%C3", "%00", "a%00b", "%EF%BF%BD"])
def test_what_no_database_stores_is_refused(sent: str) -> None:
    assert ask(Starlette(routes=ROUTES), f"/accounts/{sent}").status_code == 400


def test_an_empty_id_and_one_with_a_bare_slash_lead_nowhere() -> None:
    app = Starlette(routes=ROUTES)

    assert [ask(app, f"/accounts/{sent}").status_code for sent in ("", "/history", "a/b")] == [404, 404, 404]
