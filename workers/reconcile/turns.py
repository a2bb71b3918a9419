"""How many connections a run has read with their configs, so that each is read within the stated time."""

from datetime import datetime, timedelta

from cobalt_mirror.db.config_turns import Turn
from cobalt_mirror.workers.settings import Settings

#: The time since the last run, where there was none.
_FIRST = timedelta(hours=1)


def turn_of(settings: Settings, *, now: datetime, last: datetime | None, deep: bool) -> Turn:
    """Return which connections a run has read.

    A run takes as large a share as the time since the last complete run is of the stated time, so that hourly runs
    share the load evenly. What would be too old by the next run is read as well.

    Args:
        settings: `reconcile_configs_within_hours`, 0: none; or, if it is set, `reconcile_config_share`.
        now: The time.
        last: When the last complete run began; None: there was none.
        deep: Whether the run reads all.
    """
    if deep:
        return Turn(share=1.0)
    if settings.reconcile_config_share is not None:
        return Turn(share=settings.reconcile_config_share)
    within = timedelta(hours=settings.reconcile_configs_within_hours)
    if not within:
        return Turn(share=0.0)
    since = min(max(_FIRST if last is None else now - last, timedelta()), within)
    return Turn(share=since / within, read_before=now - within + since)
