"""Keep a SaaS product and Cobalt in step: what a host application imports.

Every name is loaded when it is first used, so that publishing an event imports neither dramatiq nor redis, and needs
neither installed. The folders beside this file, except `django`, are links to those at the top of the repository: all
that is imported is called `cobalt_mirror...`, and nothing of ours takes a plain name such as `events` or `db` in the
host's environment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cobalt_mirror.cobalt import Client, CobaltError, RateLimited
    from cobalt_mirror.db import (
        PositionLost,
        changes,
        exclude_mirror,
        find_account,
        integrations,
        list_applications,
        list_configs,
        list_connections,
        list_events,
        list_history,
        list_workflow_runs,
    )
    from cobalt_mirror.db.reads.asynchronous import (
        changes_async,
        find_account_async,
        integrations_async,
        list_applications_async,
        list_configs_async,
        list_connections_async,
        list_events_async,
        list_history_async,
        list_workflow_runs_async,
    )
    from cobalt_mirror.events import (
        ConfigChanged,
        ConfigRemoved,
        ConnectionAuthorized,
        ConnectionRemoved,
        Receipt,
        UserDeleted,
        UserSignedUp,
        Waited,
        publish,
        publish_async,
        publish_many,
        publish_many_async,
        wait_for,
        wait_for_async,
    )
    from cobalt_mirror.workers.clients import governed_client
    from cobalt_mirror.workers.notices.handlers import on
    from cobalt_mirror.workers.notices.notice import Notice
    from cobalt_mirror.workers.web import create_app

#: Where each name is loaded from.
_HOMES = {
    "cobalt_mirror.cobalt": ("Client", "CobaltError", "RateLimited"),
    "cobalt_mirror.db": (
        "PositionLost",
        "changes",
        "exclude_mirror",
        "find_account",
        "integrations",
        "list_applications",
        "list_configs",
        "list_connections",
        "list_events",
        "list_history",
        "list_workflow_runs",
    ),
    "cobalt_mirror.db.reads.asynchronous": (
        "changes_async",
        "find_account_async",
        "integrations_async",
        "list_applications_async",
        "list_configs_async",
        "list_connections_async",
        "list_events_async",
        "list_history_async",
        "list_workflow_runs_async",
    ),
    "cobalt_mirror.events": (
        "ConfigChanged",
        "ConfigRemoved",
        "ConnectionAuthorized",
        "ConnectionRemoved",
        "Receipt",
        "UserDeleted",
        "UserSignedUp",
        "Waited",
        "publish",
        "publish_async",
        "publish_many",
        "publish_many_async",
        "wait_for",
        "wait_for_async",
    ),
    "cobalt_mirror.workers.clients": ("governed_client",),
    "cobalt_mirror.workers.notices.handlers": ("on",),
    "cobalt_mirror.workers.notices.notice": ("Notice",),
    "cobalt_mirror.workers.web": ("create_app",),
}
#: The extra that brings the libraries of each.
_EXTRAS = {
    "cobalt_mirror.cobalt": "client",
    "cobalt_mirror.workers.clients": "client",
    "cobalt_mirror.workers.web": "page",  # what a host needs to serve our web application, too
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Client",
    "CobaltError",
    "ConfigChanged",
    "ConfigRemoved",
    "ConnectionAuthorized",
    "ConnectionRemoved",
    "Notice",
    "PositionLost",
    "RateLimited",
    "Receipt",
    "UserDeleted",
    "UserSignedUp",
    "Waited",
    "changes",
    "changes_async",
    "create_app",
    "exclude_mirror",
    "find_account",
    "find_account_async",
    "governed_client",
    "integrations",
    "integrations_async",
    "list_applications",
    "list_applications_async",
    "list_configs",
    "list_configs_async",
    "list_connections",
    "list_connections_async",
    "list_events",
    "list_events_async",
    "list_history",
    "list_history_async",
    "list_workflow_runs",
    "list_workflow_runs_async",
    "on",
    "publish",
    "publish_async",
    "publish_many",
    "publish_many_async",
    "wait_for",
    "wait_for_async",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        from cobalt_mirror.extras import describe_missing  # noqa: PLC0415 - seldom needed

        missing = describe_missing(error, _EXTRAS.get(home, "workers"))
        if missing is None:
            raise
        raise ImportError(f"{name}: {missing}", name=error.name) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
