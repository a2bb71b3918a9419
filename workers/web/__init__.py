"""What is served over HTTP: Cobalt's notifications, the events of hosts that are not Python, and two probes."""

from cobalt_mirror.workers.web.app import create_app

__all__ = ["create_app"]
