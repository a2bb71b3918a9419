"""What a run of the reconciliation writes down."""

from sqlalchemy import Column, Index, Integer, Table, Text, text

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.tables.declaring import metadata

#: One row a run of the reconciliation. `finished_at` stays empty unless it really finished.
runs = Table(
    "runs",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("options", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("resumes", Id()),
    # The place that only one run holds, as long as its heartbeat goes on: empty for every other run.
    Column("place", Text),
    Column("alive_until", UtcDateTime),
    # The walk: when its first page was asked for (by the run that this one resumes, if so), how much of the listing
    # is behind it, how long the listing is, and how many accounts came without their integrations.
    Column("walking_since", UtcDateTime, nullable=False),
    Column("walked_at", UtcDateTime),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer),
    Column("untold", Integer, nullable=False, server_default=text("0")),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("compared", Integer, nullable=False, server_default=text("0")),
    Column("adopted", Integer, nullable=False, server_default=text("0")),
    Column("repaired", Integer, nullable=False, server_default=text("0")),
    Column("left", Integer, nullable=False, server_default=text("0")),
    # How many connections the listing showed of an application that the catalogue does not have.
    Column("unmapped", Integer, nullable=False, server_default=text("0")),
    Column("calls", Integer, nullable=False, server_default=text("0")),
    Column("stopped_because", Words),
    # What the listing said that cannot be true, so that accounts may have been overlooked.
    Column("contradiction", Words),
)
Index("ix_runs_started_at", runs.c.started_at)
Index("ix_runs_place", runs.c.place, unique=True)

#: The accounts that the walk of a run saw; of those that the mirror does not know also what it is to adopt, once the
#: run may change anything.
walked = Table(
    "walked",
    metadata,
    Column("run_id", Id(), primary_key=True),
    Column("linked_account_id", Id(), primary_key=True),
    Column("unknown", Json),
)

#: Subjects that a run wants read before anything is believed of them, and what came of it. An empty slug is the
#: account itself. `differences` names columns; what customers wrote is not in here.
suspicions = Table(
    "suspicions",
    metadata,
    Column("run_id", Id(), primary_key=True),
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("kind", OneOf(SuspicionKind), nullable=False),
    Column("differences", Json, nullable=False),
    Column("listed_created_at", UtcDateTime),  # not used any more; processes of an older release write it
    Column("outcome", OneOf(SuspicionOutcome)),
)
Index("ix_suspicions_subject", suspicions.c.linked_account_id, suspicions.c.slug)

#: When a connection was last looked at with all its configs by a reconciliation.
looks = Table(
    "looks",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("listed_created_at", UtcDateTime),  # not used any more; processes of an older release write it
)
