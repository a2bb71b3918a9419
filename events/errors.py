"""Why an event was not accepted.

    EventError
    ├── InvalidEvent     the event breaks a rule; the text names the field and the rule: mend the event
    └── IdConflict       the log holds another event under this source and id: use a new id

Publishing can also raise `db.errors.NoSecretKeys` (set MIRROR_SECRET_KEYS) and the database's own errors (retry).
"""


class EventError(Exception):
    """The root of this package's errors. Nothing of the event was written."""


class InvalidEvent(EventError):
    """The event breaks a rule. The text names the field and what it wants, never its value."""


class IdConflict(EventError):
    """The log holds a different event under this source and id. Publish this one under an id of its own."""
