"""The errors of `cobalt_mirror.django`. `publish` raises those of `cobalt_mirror.events` and Django's, too.

DjangoError
├── ReadOnly          something would write into the mirror: publish an event instead
└── WrongDatabase     the database of this alias cannot hold the mirror: name the one that does
"""


class DjangoError(Exception):
    """The root of this package's errors."""


class ReadOnly(DjangoError):
    """The mirror is a copy of what Cobalt has, and only our workers write it. Publish an event instead."""


class WrongDatabase(DjangoError):
    """The mirror lives in PostgreSQL or SQLite, and this alias is another kind of database. Name another alias."""
