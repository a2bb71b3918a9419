"""What we know: the event log, the mirror, and the reads that a host's pages need."""

from cobalt_mirror.db.reads import (
    Change,
    EventState,
    Integration,
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    State,
    WorkflowRuns,
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_events,
    list_history,
    list_workflow_runs,
)

__all__ = [
    "Change",
    "EventState",
    "Integration",
    "MirroredAccount",
    "MirroredConfig",
    "MirroredConnection",
    "State",
    "WorkflowRuns",
    "find_account",
    "integrations",
    "list_configs",
    "list_connections",
    "list_events",
    "list_history",
    "list_workflow_runs",
]
