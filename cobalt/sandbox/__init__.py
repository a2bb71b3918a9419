"""A stand-in for Cobalt: strict where it is documented, switchable where it is not, and honest about its state."""

from cobalt.sandbox.faults import Answer, Effect, Fault
from cobalt.sandbox.messages import Delivery, SandboxRequest, SandboxResponse
from cobalt.sandbox.sandbox import Sandbox
from cobalt.sandbox.server import SandboxServer, serve
from cobalt.sandbox.settings import (
    ConnectedWhenNot,
    LeftOut,
    NullValues,
    PasswordValues,
    RetryAfter,
    Settings,
)
from cobalt.sandbox.state import Environment
from cobalt.sandbox.transport import SandboxTransport

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
