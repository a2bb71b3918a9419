"""The router: find the route of a raw path. Segments are split before decoding, so ``%2F`` stays inside one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Literal, TypeVar
from urllib.parse import unquote_to_bytes

HandlerT = TypeVar("HandlerT", bound=Callable[..., object])


class Access(StrEnum):
    """The credentials that a route requires."""

    KEY = "key"  # the organisation's API key alone
    KEY_OR_TOKEN = "key or token"  # noqa: S105 - a key beside the account's id, or a session token
    TOKEN = "token"  # noqa: S105 - a session token alone


@dataclass(frozen=True, slots=True)
class Route(Generic[HandlerT]):
    """One method and path.

    Attributes:
        name: Its name in the ledger and in fault rules.
        error_key: The key of the code in its refusals; the service behind configs calls it otherwise.
    """

    name: str
    method: str
    template: str
    handler: HandlerT
    access: Access = Access.KEY_OR_TOKEN
    error_key: Literal["error", "error_code"] = "error"


@dataclass(slots=True)
class _Node(Generic[HandlerT]):
    literals: dict[str, "_Node[HandlerT]"] = field(default_factory=dict)
    parameter: "_Node[HandlerT] | None" = None
    routes: dict[str, tuple[Route[HandlerT], tuple[str, ...]]] = field(default_factory=dict)


class Router(Generic[HandlerT]):
    """A tree of path segments; a literal segment wins over a parameter."""

    def __init__(self, routes: tuple[Route[HandlerT], ...]) -> None:
        self._root: _Node[HandlerT] = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: str) -> tuple[Route[HandlerT], dict[str, str]] | None:
        """Return the route and its decoded parameters; None if there is no such route. One slash at the end is fine."""
        captured: list[str] = []
        match = self._walk(self._root, raw_path.removesuffix("/").split("/")[1:], method, captured)
        if match is None:
            return None
        route, names = match
        try:
            return route, {name: _decoded(raw) for name, raw in zip(names, captured, strict=True)}
        except UnicodeDecodeError:
            return None

    def _add(self, route: Route[HandlerT]) -> None:
        node, names = self._root, []
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes[route.method] = (route, tuple(names))

    def _walk(
        self, node: _Node[HandlerT], segments: list[str], method: str, captured: list[str]
    ) -> tuple[Route[HandlerT], tuple[str, ...]] | None:
        if not segments:
            return node.routes.get(method)
        head, rest = segments[0], segments[1:]
        literal = node.literals.get(head)
        if literal is not None and (match := self._walk(literal, rest, method, captured)) is not None:
            return match
        if node.parameter is None or not head:
            return None
        captured.append(head)
        match = self._walk(node.parameter, rest, method, captured)
        if match is None:
            captured.pop()
        return match


def _decoded(segment: str) -> str:
    return unquote_to_bytes(segment).decode() if "%" in segment else segment
