"""The page of integrations, which a host mounts under a path of its own."""

from cobalt_mirror.workers.web.page.app import integrations_page

__all__ = ["integrations_page"]
