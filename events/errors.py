"""The errors of publishing an event.

    EventError
    ├── InvalidEvent     the event breaks a rule: correct the field that the text names
    └── IdConflict       the log holds another event under this source and id: use a new id

Publishing can also raise `cobalt_mirror.db.errors.NoSecretKeys` (set MIRROR_SECRET_KEYS) and the database's own
errors (retry).
"""

from pydantic import ValidationError

#: How many characters of each name in a field's path an error shows, and how many names.
_LONGEST_NAME = 60
_LONGEST_PATH = 6


class EventError(Exception):
    """The root of this package's errors. Nothing of the event was written."""


class InvalidEvent(EventError):
    """The event breaks a rule. The text names the field and the rule, never its value. Correct the event."""


class IdConflict(EventError):
    """The log holds a different event under this source and id. Publish this one under another id."""


def describe(error: ValidationError) -> str:
    """Return a clause for each broken rule: the field and the rule, without the value, which may be a secret."""
    return "; ".join(
        f"{field_path(*item['loc']) or 'event'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )


def field_path(*steps: int | str) -> str:
    """Return the path of a field as text. The sender chose the names, so they are cut and escaped."""
    names = [str(step)[:_LONGEST_NAME] for step in steps[:_LONGEST_PATH]]
    return ".".join(name if name.isprintable() else ascii(name) for name in names)
