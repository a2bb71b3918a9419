"""What must be made anew in a forked child: it would share its parent's connections, and answers would go astray."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something that holds connections or locks of the process that made it."""

    def renew(self) -> None:
        """Make them anew, without touching those of the parent."""


_renewables: "WeakSet[Renewable]" = WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Have a thing renewed in every child that this process forks, as long as the thing exists."""
    _renewables.add(thing)


def _renew_all() -> None:
    for thing in list(_renewables):
        thing.renew()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
