"""A stand-in for Cobalt: strict where it is documented, switchable where it is not, and honest about its state."""

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
    Settings,
)
from cobalt_mirror.cobalt.sandbox.state import Environment
from cobalt_mirror.cobalt.sandbox.transport import SandboxTransport

__all__ = [
    "Answer",
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
    "SandboxTransport",
    "Settings",
    "serve",
]
