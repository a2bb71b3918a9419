"""The project's one app."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Its tables are `users` and `received_notices`."""

    name = "examples.django"
    label = "shop"
