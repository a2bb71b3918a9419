"""How Cobalt signs its notifications, and how to tell that it did."""

import hashlib
import hmac
from collections.abc import Sequence


def sign(body: bytes, key: str) -> str:
    """Return the signature of a notification's raw body: HMAC-SHA256 keyed on the API key, lower-case hex."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str | None, keys: Sequence[str]) -> bool:
    """Tell whether one of `keys` signed `body`, in a time that does not depend on where the signatures differ.

    Args:
        body: The raw bytes as they arrived, before any parsing.
        signature: The header `x-cobalt-signature`; None when it is missing.
        keys: Every key that may have signed. Give the old and the new one while a key is being replaced. An empty key
            signs nothing: anybody could have used it.
    """
    given = (signature or "").encode(errors="replace")
    return any(hmac.compare_digest(sign(body, key).encode(), given) for key in keys if key)
