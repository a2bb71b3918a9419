"""How a single event is printed, for `cobalt-mirror events show` and `cobalt-mirror dead show`."""

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.ops.single_events import read_event
from cobalt_mirror.workers.terminal.output import print_json, print_line

#: What a person reads instead of the name of a column.
_LABELS = dict(zip(("linked_account_id", "slug", "move"), ("account", "application", "who must act"), strict=True))


def print_event(id_: str, *, source: str | None, status: EventStatus | None = None, as_json: bool) -> None:
    """Print all that is stored of an event."""
    settings = ready_for_database()
    engine = create_engine(settings)
    try:
        event = read_event(engine, id_, source=source, status=status, vault=settings.vault())
    finally:
        engine.dispose()
    if as_json:
        print_json(event)
        return
    for name, value in event.items():
        if value is not None:
            print_line(_LABELS.get(name, name.replace("_", " ")), value)
