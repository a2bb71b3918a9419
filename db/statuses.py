"""The closed sets that rows hold. The CHECK constraints of the tables are made from them."""

from enum import StrEnum


class AccountStatus(StrEnum):
    """What is known of a linked account."""

    #: Signed up here, and not yet at Cobalt.
    PENDING = "pending"
    ACTIVE = "active"
    #: Cobalt no longer has it, and no event asked for that.
    MISSING = "missing"
    #: Deleted for good by `user_deleted`.
    DELETED = "deleted"


class ConnectionStatus(StrEnum):
    """What is known of a connection."""

    #: All its connected accounts are active.
    CONNECTED = "connected"
    #: At least one of them is expired.
    REAUTH_REQUIRED = "reauth_required"
    DISCONNECTED = "disconnected"


class ConfigStatus(StrEnum):
    """What is known of a config."""

    INSTALLED = "installed"
    DELETED = "deleted"


class EventStatus(StrEnum):
    """Where an event is on its way."""

    PENDING = "pending"
    DONE = "done"
    SUPERSEDED = "superseded"
    DEAD = "dead"


class Move(StrEnum):
    """Who has to act on a dead event, on one that is being retried, or on a halt."""

    OPERATOR = "operator"
    PROVIDER = "provider"
    CUSTOMER = "customer"
