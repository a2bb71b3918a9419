"""Requests to Cobalt as the client notes them, for tests of what is recorded."""

from typing import Any

from cobalt_mirror.cobalt.exchanged import Exchanged


def exchanged(**more: Any) -> Exchanged:
    """A request that was answered at once, or what is said of it."""
    plain = {"method": "GET", "template": "/x/{account}", "began": 100.0, "waited_seconds": 0.0, "took_seconds": 0.0}
    return Exchanged(**{**plain, "is_sent": True, "status": 200, "error": None, "request_id": None, **more})
