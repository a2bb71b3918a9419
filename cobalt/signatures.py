"""Signatures of Cobalt's notifications."""

import hashlib
import hmac
from collections.abc import Sequence

#: The header that carries the signature.
SIGNATURE_HEADER = "x-cobalt-signature"
#: What a mirror says of a notification without it.
NOT_SIGNED = f"no {SIGNATURE_HEADER}"


def sign(body: bytes, key: str) -> str:
    """Return the signature of a notification's raw body: HMAC-SHA256 keyed on the API key, lower-case hex."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str | None, keys: Sequence[str]) -> bool:
    """Return whether one of `keys` signed `body`, in a time that does not depend on where the signatures differ.

    Args:
        body: The raw bytes as they arrived, before any parsing.
        signature: The value of SIGNATURE_HEADER; None if it is missing.
        keys: The keys to try: the old and the new one while a key is being replaced. Empty keys are ignored.
    """
    signature_bytes = (signature or "").encode(errors="replace")
    return any(hmac.compare_digest(sign(body, key).encode(), signature_bytes) for key in keys if key)
