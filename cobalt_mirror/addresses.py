"""Addresses of servers, as settings hold them: checked so that no part of a password is read as something else."""

import re
from urllib.parse import urlsplit

_CREDENTIALS = re.compile(r"[^:/?#]+://(.*)@", re.DOTALL)
_UNENCODED = re.compile(r"[/?#@\[\]]|%(?![0-9A-Fa-f]{2})")


def checked_address(address: str) -> str:
    """Return an address whose user and password are percent-encoded.

    In one that is not, what follows a `/`, `#`, `?` or `@` in the password would be taken for the server's name or a
    path, and be printed as such.

    Raises:
        ValueError: the user or the password is not encoded, or the port is no number. The text repeats nothing of it.
    """
    credentials = _CREDENTIALS.match(address)
    if credentials is not None and _UNENCODED.search(credentials[1]):
        raise ValueError(
            "has a user or password with characters that must be percent-encoded: write / as %2F, # as %23, ? as %3F, "
            "@ as %40, [ as %5B, ] as %5D and % as %25"
        )
    try:
        urlsplit(address).port  # noqa: B018 - it is checked when it is read
    except ValueError:
        raise ValueError("must be a URL such as scheme://host:5432/name, its port a number up to 65535") from None
    return address


def shown_address(address: str) -> str:
    """Return an address for a message: without user, password and options."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path}"
