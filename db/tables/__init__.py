"""Every table of ours: the event log, the mirror with its history and change feed, and what coordinates workers.

The event log, the mirror, its history, the change feed and the view `integrations` are a contract with hosts in any
language. Defaults live in the schema, so that a plain SQL INSERT into `events` needs three columns.
"""

from cobalt_mirror.db.tables.accounts import calls, deletions, notifications, workflow_runs
from cobalt_mirror.db.tables.coordination import checks, denials, processes, state, work
from cobalt_mirror.db.tables.declaring import DECLARED_SCHEMA, VERSION_TABLE, metadata, tables_in
from cobalt_mirror.db.tables.log import event_numbers, events, is_dead, is_pending, is_unfinished
from cobalt_mirror.db.tables.mirror import applications, changes, configs, connections, history, linked_accounts
from cobalt_mirror.db.tables.notices import notices, receivers
from cobalt_mirror.db.tables.reconciliation import looks, runs, suspicions, walked

__all__ = [
    "DECLARED_SCHEMA",
    "VERSION_TABLE",
    "applications",
    "calls",
    "changes",
    "checks",
    "configs",
    "connections",
    "deletions",
    "denials",
    "event_numbers",
    "events",
    "history",
    "is_dead",
    "is_pending",
    "is_unfinished",
    "linked_accounts",
    "looks",
    "metadata",
    "notices",
    "notifications",
    "processes",
    "receivers",
    "runs",
    "state",
    "suspicions",
    "tables_in",
    "walked",
    "work",
    "workflow_runs",
]
