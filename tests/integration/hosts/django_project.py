"""A Django project in a folder, made of the code in docs/django.md, and what is proved in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.pages import DOCS, blocks

PAGE = (DOCS / "django.md").read_text("utf-8")
_SET_UP, _VIEWS, _FOLLOWING, _ASGI = blocks(PAGE, "python")
[_TEMPLATE] = blocks(PAGE, "html")

_SETTINGS = """
import json, os
from pathlib import Path

SECRET_KEY = "project"
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": json.loads(os.environ["HOST_DATABASE"])}
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages",
    "django.contrib.sessions", "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "DIRS": [Path(__file__).parent],
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "shop.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "Asia/Tokyo"
SILENCED_SYSTEM_CHECKS = [f"security.W{number:03}" for number in range(40)]
globals().update(json.loads(os.environ.get("HOST_SETTINGS", "{}")))
"""
_URLS = """
from django.contrib import admin
from django.urls import path
from shop import views

urlpatterns = [
    path("admin/", admin.site.urls), path("sign-up", views.sign_up), path("channel", views.set_channel),
    path("", views.integrations, name="integrations"),
]
"""
#: manage.py, whose arguments are the command and its options.
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""
_MODELS = """
from django.db import models

class Note(models.Model):
    text = models.TextField()
"""
_TESTS = """
from django.test import TestCase
from cobalt_mirror import UserSignedUp
from cobalt_mirror.django import publish, publish_many

class Publishing(TestCase):
    def test_it_publishes(self):
        event = UserSignedUp("of-a-test", udf={"plan": "100 % 'pro'"})
        self.assertTrue(publish(event).is_new)
        self.assertEqual([each.is_new for each in publish_many([event, UserSignedUp("another")])], [False, True])

class Plain(TestCase):
    def test_it_needs_none_of_our_tables(self):
        self.assertTrue(True)
"""


def write_project(folder: Path) -> None:
    """Write the project's files."""
    files = {
        "manage.py": MANAGE,
        "shop/__init__.py": "",
        "shop/settings.py": _SETTINGS + _SET_UP,
        "shop/urls.py": _URLS,
        "shop/asgi.py": _ASGI,
        "shop/views.py": _VIEWS,
        "shop/models.py": _MODELS,
        "shop/following.py": _FOLLOWING,
        "shop/tests.py": _TESTS,
        "shop/integrations.html": _TEMPLATE,
        "shop/migrations/__init__.py": "",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def database_of(url: str, **options: Any) -> str:
    """Return the variable that tells the project where its database is."""
    address = make_url(url)
    if address.drivername.startswith("sqlite"):
        return json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": address.database})
    settings: Mapping[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.database,
        "HOST": address.host or address.query.get("host", ""),
        "PORT": address.port or "",
        "USER": address.username or "",
        "PASSWORD": address.password or "",
        "OPTIONS": options,
        "TEST": {"NAME": address.database},
    }
    return json.dumps(settings)
