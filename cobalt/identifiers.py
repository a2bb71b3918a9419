"""Identifiers that can be sent to Cobalt, and their encoding (see docs/decisions/0001-identifiers-in-headers.md)."""

import re
from urllib.parse import quote

from cobalt_mirror.cobalt.errors import InvalidIdentifier

# Visible ASCII, spaces inside only. HTTP strips outer spaces, httpx refuses to send more than ASCII, and Cobalt's
# Node would read UTF-8 bytes as latin-1, hence as another account.
_FITS_HEADER = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def checked(identifier: str, *, what: str) -> str:
    """Return the identifier if it can be sent to Cobalt in paths, queries and bodies.

    Args:
        identifier: The host's id, a slug, or an id of Cobalt's.
        what: Its name in the error's text.

    Raises:
        InvalidIdentifier: It is empty, `.` or `..` (which name folders in a path, however they are encoded), or not
            Unicode text. A retry does not help: choose another.
    """
    if not identifier:
        raise InvalidIdentifier(f"{what} is empty; give an id, as it is part of the path")
    if identifier in {".", ".."}:
        raise InvalidIdentifier(f"{what} {identifier!r} would name a folder in the path; choose another")
    if re.search("[\ud800-\udfff]", identifier):
        raise InvalidIdentifier(
            f"{what} {identifier!r} contains a lone surrogate, which is not valid Unicode; choose another"
        )
    return identifier


def path_segment(identifier: str, *, what: str) -> str:
    """Return the identifier as one segment of a path, everything but letters, digits and `-._~` percent-encoded.

    Raises:
        InvalidIdentifier: See `checked`.
    """
    return quote(checked(identifier, what=what), safe="")


def fits_header(identifier: str) -> bool:
    """Return whether a header carries the identifier unchanged."""
    return _FITS_HEADER.fullmatch(identifier) is not None
