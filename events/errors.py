"""Why an event was not accepted.

    EventError
    ├── InvalidEvent     the event breaks a rule; the text names the field and the rule: mend the event
    └── IdConflict       the log holds another event under this source and id: use a new id

Publishing can also raise `cobalt_mirror.db.errors.NoSecretKeys` (set MIRROR_SECRET_KEYS) and the database's own
errors (retry).
"""

from pydantic import ValidationError

#: How much of a field's name an error shows, in characters, and how many steps of the way to it.
_LONGEST_NAME = 60
_LONGEST_WAY = 6


class EventError(Exception):
    """The root of this package's errors. Nothing of the event was written."""


class InvalidEvent(EventError):
    """The event breaks a rule. The text names the field and what it wants, never its value."""


class IdConflict(EventError):
    """The log holds a different event under this source and id. Publish this one under an id of its own."""


def describe(error: ValidationError) -> str:
    """One clause a broken rule: the field and what it wants. The value stays out: it may be a secret."""
    return "; ".join(
        f"{shown(*item['loc']) or 'event'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )


def shown(*way: int | str) -> str:
    """The way to a field. The names on it are the sender's own, so they may be long, and anything at all."""
    names = [str(step)[:_LONGEST_NAME] for step in way[:_LONGEST_WAY]]
    return ".".join(name if name.isprintable() else ascii(name) for name in names)
