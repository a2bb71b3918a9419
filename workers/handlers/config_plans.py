"""What the events of configs come to, config by config: what is removed, what is moot, and what is changed after it.

Plain values in, plain values out. The order of events decides, in whatever order they arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cobalt_mirror.db.log import Order
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events import ConfigChanged, ConfigRemoved, ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import config_key_of, has_content


def config_events(entries: Sequence[Entry]) -> list[Entry]:
    """Return the changes and removals of configs among events."""
    return [entry for entry in entries if isinstance(entry.event, ConfigChanged | ConfigRemoved)]


def is_removal(entry: Entry) -> bool:
    """Tell whether an event removes a config."""
    return isinstance(entry.event, ConfigRemoved)


def may_create(entry: Entry) -> bool:
    """Tell whether an event may have something created at Cobalt: an authorisation, or a change with content."""
    return isinstance(entry.event, ConnectionAuthorized) or has_content(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPlan:
    """What is to be done about one config.

    Attributes:
        key: the config.
        removal: the removal that waits and is to be carried out; None: there is none.
        removed_at: the place of the last removal, also of one that is done; None: there is none.
        moot: events that wait and that a later removal made needless.
        changes: what is to be carried out after the removal, oldest first. If the config is deleted in this attempt,
            changes that are done already are among them: a removal that comes late must not undo what is newer.
        later: changes that are done and may be later than some of these; what they set stays.
        must_exist: whether it has to be made anew although no change asks for it.
    """

    key: ConfigKey
    removal: Entry | None = None
    removed_at: Order | None = None
    moot: Sequence[Entry] = ()
    changes: Sequence[Entry] = ()
    later: Sequence[Entry] = ()
    must_exist: bool = False

    @property
    def creates(self) -> bool:
        """Whether the config exists afterwards, whatever there was before."""
        return self.must_exist or any(has_content(entry) for entry in self.changes)


def plan_configs(
    pending: Sequence[Entry],
    done: Sequence[Entry],
    made: Sequence[tuple[Order, ConfigKey]],
    *,
    account: str,
    deleted_at: Order | None = None,
) -> list[ConfigPlan]:
    """Plan for every config what its events come to.

    Args:
        pending: changes and removals of configs that wait, oldest first.
        done: those that are done although some pending event is older.
        made: which configs something else has made, and its place among the events: an authorisation, or a change that
            Cobalt refused after it had found or created its config.
        account: the account, whose id is that of a config of which none is named.
        deleted_at: the place of the removal of the connection with which this attempt has deleted all configs; None:
            there was none.
    """
    keys = [config_key_of(entry, account) for entry in pending]
    keys += [config_key_of(entry, account) for entry in done if is_removal(entry) or deleted_at is not None]
    if deleted_at is not None:
        keys += [key for _, key in made]
    return [
        _plan(
            key,
            pending=[entry for entry in pending if config_key_of(entry, account) == key],
            done=[entry for entry in done if config_key_of(entry, account) == key],
            made=[order for order, its in made if its == key],
            deleted_at=deleted_at,
        )
        for key in dict.fromkeys(keys)
    ]


def _plan(
    key: ConfigKey,
    *,
    pending: Sequence[Entry],
    done: Sequence[Entry],
    made: Sequence[Order],
    deleted_at: Order | None,
) -> ConfigPlan:
    last = max(filter(is_removal, (*pending, *done)), key=lambda entry: entry.order, default=None)
    removal = last if last is not None and last.logged.status is EventStatus.PENDING else None
    removed_at = None if last is None else last.order
    since = max((order for order in (removed_at, deleted_at) if order is not None), default=None)
    is_deleted = removal is not None or deleted_at is not None
    waiting = [entry for entry in pending if not is_removal(entry) and _is_after(entry.order, removed_at)]
    again = [entry for entry in done if is_deleted and has_content(entry) and _is_after(entry.order, since)]
    return ConfigPlan(
        key=key,
        removal=removal,
        removed_at=removed_at,
        moot=[entry for entry in pending if entry is not last and entry not in waiting],
        changes=sorted([*waiting, *again], key=lambda entry: entry.order),
        later=[] if is_deleted else [entry for entry in done if not is_removal(entry)],
        must_exist=is_deleted and any(_is_after(order, since) for order in made),
    )


def _is_after(order: Order, moment: Order | None) -> bool:
    return moment is None or order > moment
