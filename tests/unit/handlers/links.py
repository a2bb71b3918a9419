"""Connected accounts and the stamps of removals, for tests of what removals mean."""

from typing import Any

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.workers.handlers.identity import Link
from tests.unit.entries import at


def link(second: float | None, auth_type: str = "oauth2", connection_id: str | None = None) -> Link:
    """A connected account, connected or renewed so many seconds after noon. None: Cobalt does not say when."""
    return Link(auth_type, moment(second), connection_id)


def moment(second: float | None) -> str | None:
    """So many seconds after noon, in the mirror's form."""
    return None if second is None else stored_time(at(second))


def stamp(*links: Link) -> list[dict[str, Any]]:
    """What a removal keeps of the accounts that the mirror showed when it was published."""
    return [each.as_json() for each in links]
