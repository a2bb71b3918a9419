"""Who acts, for what is recorded of it."""

import getpass

from cobalt_mirror.workers.errors import NotReady


def find_operator(by: str | None) -> str:
    """Return the name of who acts: the one that is given, else that of the user of this machine.

    Raises:
        NotReady: The name is blank, or this machine has none for its user. Give one.
    """
    if by is not None:
        if not by.strip():
            raise NotReady("--by must not be blank: give your name, or leave it out for the user of this machine")
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise NotReady("this machine has no name for the user who runs this; give yours with --by") from None
