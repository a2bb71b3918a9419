"""What was loaded for an attempt at one subject. Frozen: an attempt decides from it and changes nothing in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.denials import Denial
from cobalt_mirror.db.rows import AccountRow, ConfigRow, ConnectionRow
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One subject as it was when the attempt began.

    Attributes:
        account_id: the linked account.
        slug: the application that the subject is about; empty: the account itself.
        now: when the attempt began.
        settings: the settings in force.
        pending: pending events of the subject, oldest first.
        ended: its events that are done or dead although they are no older than the first pending one.
        check: the wish to have the subject read, if that is due.
        is_in_doubt: whether a write of an earlier attempt may have done something that the mirror does not show.
        account: the mirror's row of the account, if there is one.
        connection: the mirror's row of the connection, if there is one.
        configs: the mirror's installed configs of the connection.
        notified_at: where a removal waits: when Cobalt's notifications say that the application was connected, in whole
            seconds.
        has_multi_auth: whether an account may hold several connections to the application; None: not known.
        app_id: the application's id in the catalogue; None: not known.
        is_listed: whether the catalogue shows the application as one that customers can connect; None: it has never
            shown it.
        denial: since when Cobalt says that it does not have the account, and of how many others it says so; None: it
            does not say so.
        receipt: the receipt of the account's last deletion, if it was ever deleted.
        account_due_at: when the account's deletion, or the sign-up that begins its new generation, is due: a
            connection waits for either. None: neither waits.
    """

    account_id: str
    slug: str
    now: datetime
    settings: Settings
    pending: Sequence[Entry] = ()
    ended: Sequence[Entry] = ()
    check: Check | None = None
    is_in_doubt: bool = False
    account: AccountRow | None = None
    connection: ConnectionRow | None = None
    configs: Sequence[ConfigRow] = ()
    notified_at: Sequence[datetime] = ()
    has_multi_auth: bool | None = None
    app_id: str | None = None
    is_listed: bool | None = None
    denial: Denial | None = None
    receipt: Deletion | None = None
    account_due_at: datetime | None = None

    @property
    def done(self) -> list[Entry]:
        """Of the events that ended, those that succeeded."""
        return [entry for entry in self.ended if entry.logged.status == EventStatus.DONE]
