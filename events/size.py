"""The size of a payload, and the largest that is taken."""

import json
from collections.abc import Mapping
from typing import Any

#: In bytes of JSON.
LARGEST_PAYLOAD = 256 * 1024


def payload_size(payload: Mapping[str, Any]) -> int:
    """Return the size of a payload, in bytes of JSON."""
    return len(json.dumps(payload, ensure_ascii=False).encode())
