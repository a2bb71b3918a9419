"""`make example APP=django`: run the project with everything that it needs on this machine, until Ctrl-C."""

import os

from examples.starting import prepare, run


def migrate() -> None:
    """Make the project's own tables, as `manage.py migrate` does. `cobalt-mirror up` makes the mirror's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django.settings")
    import django  # noqa: PLC0415 - its settings are read from what `prepare` has set
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    prepare("django")
    migrate()
    run("django")
