"""Django, set up once in the process of the tests, without a database."""

import django
import pytest
from django.conf import settings


@pytest.fixture(scope="session", autouse=True)
def _django() -> None:
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "nowhere"},
            "elsewhere": {"ENGINE": "django.db.backends.dummy"},
        },
        INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", APP],
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


APP = "cobalt_mirror.django"
