"""Cobalt Mirror for Django: add `cobalt_mirror.django` to INSTALLED_APPS. See docs/django.md.

`publish` and `publish_many` write events through Django's own connection, so inside `transaction.atomic()` an event is
saved if and only if your change is. The models in `cobalt_mirror.django.models` are for reading.
"""

from cobalt_mirror.django.errors import DjangoError, ReadOnly, WrongDatabase
from cobalt_mirror.django.publishing import publish, publish_many, session

__all__ = ["DjangoError", "ReadOnly", "WrongDatabase", "publish", "publish_many", "session"]
