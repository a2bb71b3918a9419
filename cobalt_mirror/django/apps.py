"""The app that a Django project installs."""

from django.apps import AppConfig
from django.core import checks
from django.db import connections

from cobalt_mirror.db.errors import BadSetting


class MirrorConfig(AppConfig):
    """Tell the models where their tables are, and Django what to check."""

    name = "cobalt_mirror.django"
    label = "cobalt_mirror"
    verbose_name = "Cobalt mirror"

    def ready(self) -> None:
        """Finish what can only be done once Django has its models and settings."""
        from cobalt_mirror.django import checking  # noqa: PLC0415 - Django is set up only now

        self._name_tables()
        checks.register(checking.check_settings)
        checks.register(checking.check_database, checks.Tags.database)
        checks.register(checking.check_before_deploying, deploy=True)

    def _name_tables(self) -> None:
        """Name the tables with their schema. Django has no option for that, and leaves a name in quotes as it is."""
        from cobalt_mirror.django.configuring import read_settings  # noqa: PLC0415
        from cobalt_mirror.django.publishing import find_alias  # noqa: PLC0415

        try:
            schema = read_settings().mirror_schema
        except BadSetting:
            return  # `manage.py check` reports it
        if connections[find_alias()].vendor == "postgresql":
            for model in self.get_models():
                model._meta.db_table = f'"{schema}"."{model._meta.db_table}"'
