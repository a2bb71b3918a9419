"""Addresses on the web that settings and commands take."""

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Return whether a text is one address of http or https, with a host."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return has_host and parts.scheme in {"http", "https"} and text.isprintable() and " " not in text


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
