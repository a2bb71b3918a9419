"""Values that options take."""

import json
from typing import Any


def json_or_text(value: str) -> Any:
    """Return the text parsed as JSON, or the text itself if it is not JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value
