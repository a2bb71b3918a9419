"""The signature of Standard Webhooks over a message."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime


def signed_headers(secrets: Sequence[bytes], *, id_: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a message is ours, and new.

    Args:
        secrets: the keys; while a receiver changes from one to the other, it is signed with both.
        id_: the id of the message, the same for each attempt.
        at: when it is sent.
        body: what is sent.
    """
    timestamp = str(int(at.timestamp()))
    message = b".".join((id_.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode() for key in secrets)
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
