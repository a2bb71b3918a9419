"""Connected accounts and the stamps of removals, for tests of what removals mean."""

from typing import Any

from cobalt_mirror.workers.handlers.identity import Link
from tests.unit.entries import at


def link(second: float | None, auth_type: str = "oauth2") -> Link:
    """A connected account, connected so many seconds after noon. None: Cobalt does not say when."""
    return link_of(auth_type, None if second is None else at(second))


def stamp(*links: Link) -> list[dict[str, Any]]:
    """What a removal keeps of the accounts that the mirror showed when it was published."""
    return [each.as_json() for each in links]
