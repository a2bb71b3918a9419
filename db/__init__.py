"""What we know: the event log, the mirror, and the reads that a host's pages need."""

from db.reads import (
    Change,
    EventState,
    Integration,
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    State,
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_events,
    list_history,
)

__all__ = [
    "Change",
    "EventState",
    "Integration",
    "MirroredAccount",
    "MirroredConfig",
    "MirroredConnection",
    "State",
    "find_account",
    "integrations",
    "list_configs",
    "list_connections",
    "list_events",
    "list_history",
]
