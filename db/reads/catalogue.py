"""The catalogue: every application that customers can connect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.reads.freshness import by_name
from cobalt_mirror.db.tables import applications


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredApplication:
    """An application as mirrored. Show Cobalt's name and icon: some providers insist on theirs.

    Attributes:
        auth_types: each way to connect it, with the inputs that a form needs.
        has_multi_auth: whether one account may hold several connections to it.
        type: `custom` for your organisation's own.
        kind: `native`, `custom` or `universal_connector`.
        verified_at: when the catalogue was last read from Cobalt; None: never.
    """

    slug: str
    name: str
    icon: str | None
    description: str | None
    tags: Sequence[str]
    auth_types: Sequence[Mapping[str, Any]]
    has_multi_auth: bool
    type: str | None
    kind: str | None
    app_id: str | None
    verified_at: datetime | None


def list_applications(session: HostSession) -> list[MirroredApplication]:
    """List every enabled application, by name. Empty until the first customer is active: Cobalt shows none before."""
    columns = [applications.c[name] for name in MirroredApplication.__dataclass_fields__]
    rows = execute(session, select(*columns).where(applications.c.enabled)).mappings()
    listed = [MirroredApplication(**by_name(row)) for row in rows]
    return sorted(listed, key=lambda each: (each.name.casefold(), each.slug))  # databases disagree about letters
