"""The HTTP service: Cobalt's notifications, events from hosts that are not Python, and two health checks."""

from cobalt_mirror.workers.web.app import create_app

__all__ = ["create_app"]
