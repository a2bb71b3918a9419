"""Models for reading: every method that would write into the mirror raises `ReadOnly`."""

from typing import Any, NoReturn

from django.db import models

from cobalt_mirror.django.errors import ReadOnly


def _refuse(model: type[models.Model]) -> NoReturn:
    raise ReadOnly(
        f"{model._meta.verbose_name_plural} are a copy of what Cobalt has, and only the workers of cobalt-mirror write "
        "them; publish an event instead: `from cobalt_mirror.django import publish`"
    )


class ReadOnlyQuerySet(models.QuerySet[Any]):
    """Rows that cannot be written, by any of Django's methods."""

    def _refused(self, *_values: Any, **_options: Any) -> NoReturn:
        _refuse(self.model)

    _refused.alters_data = True  # type: ignore[attr-defined] # a template does not call it

    create = bulk_create = bulk_update = update = delete = _refused
    get_or_create = update_or_create = _insert = _update = _raw_delete = _refused


class Mirrored(models.Model):
    """A row of the mirror."""

    objects = ReadOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        managed = False
        default_permissions = ("view",)
        base_manager_name = "objects"

    def save_base(self, *_values: Any, **_options: Any) -> NoReturn:
        """Refuse to save: `save` and fixtures end here."""
        _refuse(type(self))

    def delete(self, *_values: Any, **_options: Any) -> NoReturn:
        """Refuse to delete."""
        _refuse(type(self))
