"""One request to an ASGI application, without a server."""

import asyncio
from typing import Any

import httpx


def ask(
    app: Any, path: str, *, method: str = "GET", root_path: str = "", raises: bool = True, **options: Any
) -> httpx.Response:
    """Return the answer of an application.

    Args:
        app: The application.
        path: The path, encoded.
        method: The method.
        root_path: Below which path a server has the application.
        raises: Whether an error that the application does not catch is raised here; else it is answered with 500.
        options: What else httpx takes for a request.
    """

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=raises, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(send())
