"""What we know: the event log, the mirror, and the reads that a host's pages need."""

from cobalt_mirror.db.autogenerate import exclude_mirror
from cobalt_mirror.db.errors import PositionLost
from cobalt_mirror.db.reads import (
    Change,
    EventState,
    FeedEntry,
    Integration,
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    State,
    WorkflowRuns,
    changes,
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_events,
    list_history,
    list_workflow_runs,
)
from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConfigStatus, ConnectionStatus, EventStatus, Move

__all__ = [
    "AccountStatus",
    "Change",
    "ChangeType",
    "ConfigStatus",
    "ConnectionStatus",
    "EventState",
    "EventStatus",
    "FeedEntry",
    "Integration",
    "MirroredAccount",
    "MirroredConfig",
    "MirroredConnection",
    "Move",
    "PositionLost",
    "State",
    "WorkflowRuns",
    "changes",
    "exclude_mirror",
    "find_account",
    "integrations",
    "list_configs",
    "list_connections",
    "list_events",
    "list_history",
    "list_workflow_runs",
]
