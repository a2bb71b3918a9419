"""`GET /openapi.json` and `GET /docs`: the description of the HTTP API, for programs and as a page. No token needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from cobalt_mirror.workers.web.description_page import CONTENT_SECURITY_POLICY, make_page
from cobalt_mirror.workers.web.openapi import describe
from cobalt_mirror.workers.web.operation import Operation


@dataclass(slots=True)
class DescriptionEndpoint:
    """The endpoints that describe all operations, these two included. They read nothing, and name no customer."""

    operations: Callable[[], Sequence[Operation]]
    _document: Mapping[str, Any] | None = None

    async def document(self, request: Request) -> Response:
        """Answer with the document."""
        return JSONResponse(self._describe(_root(request)))

    async def page(self, request: Request) -> Response:
        """Answer with the page. It loads nothing from anywhere."""
        root = _root(request)
        page = make_page(self._describe(root), document_url=f"{root}/openapi.json")
        return HTMLResponse(page, headers={"content-security-policy": CONTENT_SECURITY_POLICY})

    def _describe(self, root: str) -> Mapping[str, Any]:
        if self._document is None:  # making it takes 50 ms
            self._document = describe(self.operations())
        return {**self._document, "servers": [{"url": root or "/"}]}


def _root(request: Request) -> str:
    """Return the path below which a host has mounted us; empty: at the top."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")
