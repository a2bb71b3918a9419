"""The brake: stop a run when so much seems deleted at once that a broken listing is the likelier cause."""

from cobalt_mirror.workers.errors import BrakeHeld
from cobalt_mirror.workers.settings import Settings

#: What the sentence of a held brake says and no other reason to stop does.
_HELD = "seem to be deleted at Cobalt"


def is_held(stopped_because: str | None) -> bool:
    """Return whether the brake stopped a run, by the reason that its row has."""
    return stopped_because is not None and _HELD in stopped_because


def brake(settings: Settings, *, missing: int, accounts: int, gone: int, connections: int) -> None:
    """Stop the run if too many accounts or connections are suspected gone.

    Args:
        settings: The share and the number; both must be exceeded.
        missing: Number of accounts suspected missing.
        accounts: Number of active accounts in the mirror.
        gone: Number of connections suspected gone.
        connections: Number of connections that the mirror shows.

    Raises:
        BrakeHeld: Too many are suspected gone; no existing row was changed. Check at Cobalt, then allow one run.
    """
    exceeded = [
        f"{suspected} of {total} {noun}"
        for suspected, total, noun in ((missing, accounts, "accounts"), (gone, connections, "connections"))
        if suspected > settings.reconcile_brake_count and suspected > settings.reconcile_brake_share * total
    ]
    if exceeded:
        raise BrakeHeld(
            f"{' and '.join(exceeded)} {_HELD}; no existing row was changed."
            " Check this at Cobalt; if it is right, allow it for one run: cobalt-mirror reconcile --allow-missing"
        )
