"""The project under ASGI, with the page of integrations beside Django's own addresses."""

import os
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.asgi import get_asgi_application
from django.db import close_old_connections
from django.http import HttpRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from cobalt_mirror.web import integrations_page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django.settings")
django: Any = get_asgi_application()  # Django and Starlette have other names for the types of ASGI


def account_of(request: Request) -> str | None:
    """Return the linked account of who is signed in: the user's own id. A user who has left is signed in nowhere."""
    asked = HttpRequest()
    sessions = import_module(settings.SESSION_ENGINE)
    asked.session = sessions.SessionStore(request.cookies.get(settings.SESSION_COOKIE_NAME))
    try:
        user = get_user(asked)
    finally:
        close_old_connections()  # Django does so at the end of its own requests only
    return str(user.pk) if user.is_authenticated else None


page = integrations_page(account_of, title="Integrations of Exemplary", home="/", sign_in="/")
application = Starlette(routes=[Mount("/integrations", page), Mount("/", django)])
