"""The reads for hosts with an `AsyncSession` or an `AsyncConnection`. Each is the function of the same name."""

from cobalt_mirror.db.asynchronous import in_async
from cobalt_mirror.db.reads.catalogue import list_applications
from cobalt_mirror.db.reads.events import list_events
from cobalt_mirror.db.reads.feed import changes
from cobalt_mirror.db.reads.integrations import integrations
from cobalt_mirror.db.reads.mirror import (
    find_account,
    list_configs,
    list_connections,
    list_history,
    list_workflow_runs,
)

changes_async = in_async(changes)
find_account_async = in_async(find_account)
integrations_async = in_async(integrations)
list_applications_async = in_async(list_applications)
list_configs_async = in_async(list_configs)
list_connections_async = in_async(list_connections)
list_events_async = in_async(list_events)
list_history_async = in_async(list_history)
list_workflow_runs_async = in_async(list_workflow_runs)
