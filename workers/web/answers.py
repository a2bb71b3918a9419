"""What the HTTP API answers: one dataclass each, whose JSON Schema is in the description of the API."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from cobalt_mirror.db import (
    Change,
    FeedEntry,
    Integration,
    MirroredApplication,
    MirroredConfig,
    MirroredConnection,
)
from cobalt_mirror.events import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """A receipt for each event, in their order."""

    receipts: Sequence[Receipt]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Entries of the change feed.

    Attributes:
        changes: the entries, in the order of their positions.
        after: the position to ask with the next time.
    """

    changes: Sequence[FeedEntry]
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrations:
    """Every application as one customer sees it.

    Attributes:
        integrations: the applications, by name.
        pending: how many events of the account are not carried out yet; 0: what the host has published is in here.
    """

    integrations: Sequence[Integration]
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of an account, by slug, including those that are disconnected."""

    connections: Sequence[MirroredConnection]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """The configs of an account, by slug and id, including those that are deleted."""

    configs: Sequence[MirroredConfig]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Changes of an account's mirror.

    Attributes:
        history: the changes, newest first.
        before: what to ask with for older ones; null: there are none.
    """

    history: Sequence[Change]
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """Every application that customers can connect, by name."""

    applications: Sequence[MirroredApplication]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageToken:
    """What a page needs to connect an application in the browser.

    Attributes:
        token: the session token of this account.
        expires_at: until when Cobalt accepts it.
        base_url: Cobalt's address, for the browser SDK.
    """

    token: str
    expires_at: datetime
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded of a notification: the name of its event."""

    recorded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether what the process needs answers: `ready`, or what is wrong.

    Attributes:
        redis: not there if no Redis is configured.
    """

    database: str
    redis: str | None = None


def respond(value: Any, status: int = 200) -> Response:
    """Answer with one of these types, or with one that a host reads, as JSON."""
    return Response(adapter(type(value)).dump_json(value, warnings=False), status, media_type="application/json")


def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what makes the JSON and the JSON Schema of a type."""
    return _adapter(kind)


@functools.cache  # making one takes a millisecond
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def components(kinds: Sequence[Any], ref_template: str) -> tuple[Mapping[Any, Any], Mapping[str, Any]]:
    """Return the JSON Schemas of types, and the schemas that they refer to, by name."""
    inputs = [(kind, "serialization", adapter(kind)) for kind in kinds]
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=ref_template)  # type: ignore[arg-type]
    return {kind: schema for (kind, _), schema in schemas.items()}, shared.get("$defs", {})
