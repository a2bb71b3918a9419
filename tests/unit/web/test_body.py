"""Bodies are read up to their limit, and decoded strictly."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cobalt_mirror.workers.errors import NotJson
from cobalt_mirror.workers.web.body import DEEPEST, decode, read_body


async def measure(request: Request) -> Response:
    return PlainTextResponse(str(len(await read_body(request, limit=100))))


def send(content: Any, *, announced: str | None = None) -> tuple[int, str]:
    headers = {} if announced is None else {b"content-length": announced.encode("latin-1")}

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", measure, methods=["POST"])]))
        async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
            return await client.post("/", content=content, headers=headers)

    answer = asyncio.run(post())
    return answer.status_code, answer.text


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_body_up_to_the_limit_is_read_whole(size: int) -> None:
    assert send(b"x" * size) == (200, str(size))


def test_a_body_over_the_limit_is_refused() -> None:
    assert send(b"x" * 101) == (413, "the body is over the limit of 100 bytes")


@pytest.mark.parametrize("announced", ["101", "9" * 5000])
def test_a_body_that_is_announced_too_large_is_not_read(announced: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("somebody read it")
        yield b""

    assert send(body(), announced=announced)[0] == 413


@pytest.mark.parametrize("announced", ["1", "-5", "many", "²", None])
def test_a_body_that_is_larger_than_announced_is_refused_as_soon_as_that_shows(announced: str | None) -> None:
    sent = []

    async def body() -> AsyncIterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b"x" * 60

    assert send(body(), announced=announced)[0] == 413
    assert len(sent) < 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"NaN", "number"),
        (b"[-Infinity]", "number"),
        (b"1e400", "number"),
        (b"1" * 10_000, "number"),
        (b"[" * 100_000, "nesting"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "nested"),
    ],
)
def test_what_cannot_be_read_or_stored_is_not_json(body: bytes, reason: str) -> None:
    with pytest.raises(NotJson, match=reason):
        decode(body)


def test_what_can_be_stored_is_decoded() -> None:
    assert decode('{"a": [1, -2.5e10, "é", null, true]}'.encode()) == {"a": [1, -2.5e10, "é", None, True]}
    assert decode(b"[" * DEEPEST + b"]" * DEEPEST)
    assert math.isclose(decode(b"1e308"), 1e308)
