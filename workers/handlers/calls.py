"""The calls of an attempt, as they are recorded with it."""

from collections.abc import Sequence
from datetime import timedelta

from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.db.calls import MadeCalls
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.workers.calls import is_sampled, made_call
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.save import cause_of


def calls_of(
    loaded: Loaded, lease: Lease, exchanged: Sequence[tuple[Exchanged, str | None]], *, began: float
) -> MadeCalls | None:
    """Return the calls of an attempt to record; None: there are none, or the attempt is not in the sample.

    Args:
        loaded: what the attempt loaded.
        lease: its lease, whose token is the attempt's id.
        exchanged: what each request came to, with the connection that its call named.
        began: the process's monotonic clock at `loaded.now`.
    """
    if not exchanged or not is_sampled(lease.token, loaded.settings.calls_sample_share):
        return None
    return MadeCalls(
        linked_account_id=loaded.account_id,
        slug=loaded.slug,
        attempt=lease.token,
        because=cause_of(loaded),
        calls=[
            made_call(each, loaded.now + timedelta(seconds=each.began - began), connection_id=named)
            for each, named in exchanged
        ],
    )
