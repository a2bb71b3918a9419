"""What a host's pages read: one customer's integrations, connections, configs, events and history. No call to Cobalt.

Every function takes the host's own session (or connection) and runs one SELECT in it, in the schema that this says
(`db.engine.schema_of`): one process may read several mirrors.
"""

from cobalt_mirror.db.reads.catalogue import MirroredApplication, list_applications
from cobalt_mirror.db.reads.events import (
    EventState,
    Pending,
    count_events,
    count_pending,
    find_event,
    find_oldest_waiting,
    list_events,
)
from cobalt_mirror.db.reads.feed import FeedEntry, changes
from cobalt_mirror.db.reads.integrations import Integration, State, find_state, integrations
from cobalt_mirror.db.reads.mirror import (
    Change,
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    WorkflowRuns,
    find_account,
    list_configs,
    list_connections,
    list_history,
    list_workflow_runs,
)

__all__ = [
    "Change",
    "EventState",
    "FeedEntry",
    "Integration",
    "MirroredAccount",
    "MirroredApplication",
    "MirroredConfig",
    "MirroredConnection",
    "Pending",
    "State",
    "WorkflowRuns",
    "changes",
    "count_events",
    "count_pending",
    "find_account",
    "find_event",
    "find_oldest_waiting",
    "find_state",
    "integrations",
    "list_applications",
    "list_configs",
    "list_connections",
    "list_events",
    "list_history",
    "list_workflow_runs",
]
