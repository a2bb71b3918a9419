"""Which release of ours this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def release() -> str:
    """Return the version of the installed package, or `unknown`."""
    try:
        return version("cobalt-mirror")
    except PackageNotFoundError:
        return "unknown"
