"""The brake: too much that seems gone at once is more likely a broken listing than the truth."""

from cobalt_mirror.workers.errors import BrakeHeld
from cobalt_mirror.workers.settings import Settings


def brake(settings: Settings, *, missing: int, accounts: int, gone: int, connections: int) -> None:
    """Let a run go on, or not.

    Args:
        settings: the share and the number that must both be exceeded.
        missing: accounts suspected missing.
        accounts: active accounts of the mirror.
        gone: connections suspected gone.
        connections: connections that the mirror shows.

    Raises:
        BrakeHeld: too much is suspected gone; no existing row was changed.
    """
    told = [
        f"{suspected} of {known} {what}"
        for suspected, known, what in ((missing, accounts, "accounts"), (gone, connections, "connections"))
        if suspected > settings.reconcile_brake_count and suspected > settings.reconcile_brake_share * known
    ]
    if told:
        raise BrakeHeld(
            f"{' and '.join(told)} seem to be gone at Cobalt; no existing row was changed."
            " Look at them there; if it is so, allow this one run: cobalt-mirror reconcile --allow-missing"
        )
