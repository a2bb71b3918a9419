"""What must be made anew in a forked child: it would share its parent's connections, and answers would go astray."""

import os
from threading import Lock
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something that holds connections or locks of the process that made it."""

    def renew(self) -> None:
        """Make them anew, or give them up for good, without touching those of the parent."""


_renewables: "WeakSet[Renewable]" = WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Have a thing renewed in every child that this process forks, as long as the thing exists."""
    _renewables.add(thing)


class ForkSafeLock:
    """A lock for `with` that is free in a forked child: a thread that is not in the child may have held it."""

    def __init__(self) -> None:
        """Begin free."""
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Be free."""
        self._lock = Lock()

    def __enter__(self) -> None:
        """Wait until it is free, and hold it."""
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Set it free."""
        self._lock.release()


def _renew_all() -> None:
    """Renew all, also after one of them failed. Python prints the error that leaves this function, and goes on."""
    errors = []
    for thing in list(_renewables):
        try:
            thing.renew()
        except Exception as error:  # the others would keep what belongs to the parent
            errors.append(error)
    if errors:
        raise ExceptionGroup("not everything was made anew in this forked child; do not use what failed", errors)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
