"""Which finished events convergence still needs, however late another event comes. Plain values in, plain values out.

An event that comes late is folded with the newer events of its subject that are done. Of these, it needs the newest one
that says each thing: what is older and says nothing else changes no result.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events import ConfigChanged, ConfigRemoved, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import SIGN_UP_FIELDS, Patch, config_key_of, sets


@dataclass(frozen=True, slots=True)
class Keeper:
    """Sees the events of an account that are done, newest first, and says of each whether it is still needed."""

    _said: set[tuple[str, Hashable]] = field(default_factory=set)

    def needs(self, entry: Entry) -> bool:
        """Tell whether an event that is done says something that no newer one of its subject says."""
        assert entry.logged.status is EventStatus.DONE  # noqa: S101 - nothing else is folded with
        slug = entry.logged.slug or ""
        new = {(slug, thing) for thing in things_in(entry)} - self._said
        new = {each for each in new if not self._is_removed(*each)}
        self._said.update(new)
        return bool(new)

    def _is_removed(self, slug: str, thing: Hashable) -> bool:
        """Tell whether a newer event removed the config that a thing is about."""
        return isinstance(thing, _Step) and (slug, _Removed(thing.config)) in self._said


@dataclass(frozen=True, slots=True)
class _Step:
    """A value that is set in a config."""

    config: Hashable
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Removed:
    """The removal of a config."""

    config: Hashable


def things_in(entry: Entry) -> Iterator[Hashable]:
    """Yield what an event says that a later attempt may ask for."""
    yield "the newest of its subject"
    match entry.event:
        case UserSignedUp():
            yield "the newest sign-up"
            yield from (name for name in SIGN_UP_FIELDS if sets(entry, name))
        case ConnectionAuthorized(auth_type=auth_type, connection_id=connection_id):
            yield "authorized", auth_type, connection_id
        case ConnectionRemoved():  # what each took away decides about older removals
            yield entry.logged.key
        case ConfigRemoved():
            yield _Removed(_config_of(entry))
        case ConfigChanged() as event:
            patch = Patch()
            patch.add(event)
            yield from (_Step(_config_of(entry), path) for path in patch.steps())
        case _:
            pass


def _config_of(entry: Entry) -> Hashable:
    """Return which config a done event was about: its row keeps the connection that was meant, if it named none."""
    key = config_key_of(entry, entry.logged.linked_account_id)
    return key.config_id, key.connection_id or (entry.logged.effect or {}).get("connection_id") or ""
