"""Cobalt's API: a typed client, its errors, and the signatures of notifications.

The client is loaded when it is first used: httpx costs more to load than everything else here.
"""

from typing import TYPE_CHECKING, Any

from cobalt_mirror.cobalt.environment import Environment
from cobalt_mirror.cobalt.errors import (
    CobaltError,
    ConnectFailed,
    CredentialsRefused,
    DeadlineExceeded,
    InvalidIdentifier,
    KeyRefused,
    NoAnswer,
    RateLimited,
    Refused,
    ResponseError,
    ServerError,
    TransportError,
    UnexpectedAnswer,
    UnknownAccount,
    UnknownApplication,
    UnknownConfig,
)
from cobalt_mirror.cobalt.governor import Governor
from cobalt_mirror.cobalt.models import (
    AccountIntegration,
    AccountPage,
    Application,
    Config,
    ConfigField,
    ConfigReference,
    ConfigWorkflow,
    ConnectedAccount,
    FieldError,
    LinkedAccount,
    SessionToken,
    Webhook,
)
from cobalt_mirror.cobalt.signatures import is_signed, sign

if TYPE_CHECKING:
    from cobalt_mirror.cobalt.client import DEFAULT_BASE_URL, Client

__all__ = [
    "DEFAULT_BASE_URL",
    "AccountIntegration",
    "AccountPage",
    "Application",
    "Client",
    "CobaltError",
    "Config",
    "ConfigField",
    "ConfigReference",
    "ConfigWorkflow",
    "ConnectFailed",
    "ConnectedAccount",
    "CredentialsRefused",
    "DeadlineExceeded",
    "Environment",
    "FieldError",
    "Governor",
    "InvalidIdentifier",
    "KeyRefused",
    "LinkedAccount",
    "NoAnswer",
    "RateLimited",
    "Refused",
    "ResponseError",
    "ServerError",
    "SessionToken",
    "TransportError",
    "UnexpectedAnswer",
    "UnknownAccount",
    "UnknownApplication",
    "UnknownConfig",
    "Webhook",
    "is_signed",
    "sign",
]


def __getattr__(name: str) -> Any:
    if name not in {"DEFAULT_BASE_URL", "Client"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cobalt_mirror.cobalt import client  # noqa: PLC0415 - when it is first used

    return getattr(client, name)
