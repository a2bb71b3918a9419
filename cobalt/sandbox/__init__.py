"""A stand-in for Cobalt: strict where Cobalt is documented, configurable where it is not, with its state readable."""

from cobalt_mirror.cobalt.sandbox.catalogue import Catalogue
from cobalt_mirror.cobalt.sandbox.catalogue_file import CatalogueError, read_catalogue
from cobalt_mirror.cobalt.sandbox.faults import Answer, Effect, Fault
from cobalt_mirror.cobalt.sandbox.messages import Delivery, SandboxRequest, SandboxResponse
from cobalt_mirror.cobalt.sandbox.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.server import SandboxServer, serve
from cobalt_mirror.cobalt.sandbox.settings import (
    ConnectedWhenNot,
    LeftOut,
    NullValues,
    PasswordValues,
    RetryAfter,
    SandboxSettings,
)
from cobalt_mirror.cobalt.sandbox.state import Environment
from cobalt_mirror.cobalt.sandbox.transport import SandboxTransport

__all__ = [
    "Answer",
    "Catalogue",
    "CatalogueError",
    "ConnectedWhenNot",
    "Delivery",
    "Effect",
    "Environment",
    "Fault",
    "LeftOut",
    "NullValues",
    "PasswordValues",
    "RetryAfter",
    "Sandbox",
    "SandboxRequest",
    "SandboxResponse",
    "SandboxServer",
    "SandboxSettings",
    "SandboxTransport",
    "read_catalogue",
    "serve",
]
