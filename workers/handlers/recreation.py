"""Whether a connection was made anew since the mirror last read it: Cobalt deleted its configs with the old one."""

from collections.abc import Sequence
from enum import StrEnum

from cobalt_mirror.cobalt import Application, LinkedAccount
from cobalt_mirror.workers.handlers.access import Reader
from cobalt_mirror.workers.handlers.config_reads import read_configs
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.identity import Evidence, Link, link_of, read_links
from cobalt_mirror.workers.handlers.loaded import Loaded


class Seen(StrEnum):
    """What a read shows in place of the connection that the mirror knows."""

    #: The same connection, or at least a part of it, so that its configs are still there.
    SAME = "same"
    #: Another one, or nothing, in place of it or of one of several.
    ANOTHER = "another"
    #: `connectedAt` moved. The account itself must be read to tell a renewed token from a new connection.
    UNCLEAR = "unclear"


def compare_links(mirrored: Sequence[Link], shown: Sequence[Link]) -> Seen:
    """Compare what the mirror shows connected with what a read shows."""
    if any(link.connection_id is not None for link in (*mirrored, *shown)):
        is_gone = {link.connection_id for link in mirrored} - {link.connection_id for link in shown}
        return Seen.ANOTHER if is_gone else Seen.SAME
    if not mirrored or any(link in mirrored for link in shown):
        return Seen.SAME
    return Seen.UNCLEAR if shown else Seen.ANOTHER


def is_made_anew(mirrored: Sequence[Link], created_at: str | None) -> bool:
    """Tell whether the application was first connected after all that the mirror has seen of it.

    Args:
        mirrored: what the mirror shows connected.
        created_at: when it was first connected since the last disconnect. None: Cobalt does not say, so it may be anew.
    """
    seen = max((link.connected_at for link in mirrored if link.connected_at is not None), default=None)
    return created_at is None or seen is None or created_at > seen


def read_if_made_anew(
    loaded: Loaded, cobalt: Reader, findings: Findings, application: Application
) -> LinkedAccount | None:
    """Read the configs that the mirror shows, if the connection was made anew.

    Call it before anything of the read is noted: once the mirror shows the new connection, no read tells any more. If a
    check is due, the attempt reads the configs anyway.

    Returns:
        The account, if it had to be read to tell.
    """
    if loaded.check is not None or loaded.connection is None or not findings.configs:
        return None
    mirrored, shown = read_links(loaded.connection.accounts), list(map(link_of, application.connected_accounts))
    seen, account = compare_links(mirrored, shown), None
    if seen is Seen.UNCLEAR:
        account = cobalt.fetch_account()
        created_at = Evidence().with_account(account, application).created_at
        seen = Seen.ANOTHER if is_made_anew(mirrored, created_at) else Seen.SAME
    if seen is Seen.ANOTHER:
        read_configs(cobalt, findings, links=shown, is_expected=True)
    return account
