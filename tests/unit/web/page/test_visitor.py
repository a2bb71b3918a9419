"""Who is signed in is what the host's function says, in any of its forms."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request

from cobalt_mirror.workers.web.page.visitor import Visitor, find_visitor

REQUEST = Request({"type": "http", "headers": []})


async def later(account: str | None) -> str | None:
    return account


@pytest.mark.parametrize(
    ("account_of", "visitor"),
    [
        (lambda _: "acme", Visitor("acme")),
        (lambda _: later("acme"), Visitor("acme")),
        (lambda _: None, None),
        (lambda _: later(None), None),
    ],
)
def test_who_is_signed_in(
    account_of: Callable[[Request], str | Awaitable[str | None] | None], visitor: Visitor | None
) -> None:
    assert asyncio.run(find_visitor(REQUEST, account_of)) == visitor


@pytest.mark.parametrize(("account", "got"), [(7, "int"), ("", "an empty text"), (b"acme", "bytes")])
def test_what_is_no_account_is_said_to_who_wrote_the_function(account: object, got: str) -> None:
    rule = "account_of: must return the linked account's id as a text, or None"
    with pytest.raises(TypeError, match=f"{rule}, not {got}$"):
        asyncio.run(find_visitor(REQUEST, lambda _: account))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("account", [" ", "x" * 201, "a\nb", "a\0b", "\ud83d", ".."])
def test_an_id_that_no_event_may_have_is_nobody_s_page(account: str) -> None:
    with pytest.raises(ValueError, match=r"^account_of: must return an id that an event may have: \w+"):
        asyncio.run(find_visitor(REQUEST, lambda _: account))


def test_a_mark_names_the_customer_without_showing_who_it_is() -> None:
    assert Visitor("acme").mark != Visitor("other").mark
    assert "acme" not in Visitor("acme").mark
