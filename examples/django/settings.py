"""The project's settings. Its tables and the mirror's are in one database, so both are written in one transaction."""

import os
from typing import Any

from sqlalchemy import make_url


def _database() -> dict[str, Any]:
    url = make_url(os.environ["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database, "OPTIONS": {"timeout": 20}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "HOST": url.host or "",
        "PORT": url.port or "",
        "USER": url.username or "",
        "PASSWORD": url.password or "",
    }


SECRET_KEY = os.environ["SESSION_SECRET"]
NOTICES_SECRET = os.environ["NOTICES_SECRET"]
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
DATABASES = {"default": _database()}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "examples.django", "cobalt_mirror.django"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
AUTH_USER_MODEL = "shop.User"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
ROOT_URLCONF = "examples.django.urls"
LOGIN_URL = LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
USE_TZ = True
