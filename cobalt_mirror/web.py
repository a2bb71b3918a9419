"""What a host mounts in its own web application: the page on which its customers connect applications."""

from cobalt_mirror.extras import describe_missing

try:
    from cobalt_mirror.workers.web.page import integrations_page
except ModuleNotFoundError as error:
    missing = describe_missing(error, "page")
    if missing is None:
        raise
    raise ImportError(f"cobalt_mirror.web: {missing}", name=error.name) from None

__all__ = ["integrations_page"]
