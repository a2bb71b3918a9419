"""A job: one attempt at one subject, what was loaded for it, and what it found out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Table

from cobalt_mirror.cobalt import Client, LinkedAccount, UnknownAccount
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.mirror import Rows
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.db.work import Check, Lease
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.errors import AccountGone, OutOfTime
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded
from cobalt_mirror.workers.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCheck:
    """A subject to be read again later, and why."""

    slug: str
    delay: timedelta
    reason: str


@dataclass(slots=True, kw_only=True)
class Job:
    """One attempt at one subject. Handlers read Cobalt, write to it, and note here what the transaction records."""

    client: Client
    settings: Settings
    lease: Lease
    now: datetime
    #: The clock by which the lease ends, in seconds.
    monotonic: Callable[[], float]
    #: Pending events of the subject, oldest first.
    pending: Sequence[Entry]
    #: Events of the subject that are done or dead although they are no older than the first pending one.
    ended: Sequence[Entry]
    #: The wish to have the subject read, if that is due.
    check: Check | None
    #: Whether a write of an earlier attempt may have done something that the mirror does not show.
    is_in_doubt: bool
    #: The mirror's row of the account, if there is one.
    account: Mapping[str, Any] | None
    #: The mirror's installed configs of the connection.
    configs: Sequence[Mapping[str, Any]] = ()
    connection: Mapping[str, Any] | None = None
    #: The mirror's rows of the account, the connection and its configs, as they were when the attempt began.
    known: Rows = field(default_factory=dict)
    #: Pending events of a life of the account that is over.
    over: Sequence[LoggedEvent] = ()
    #: The receipt of the account's last deletion, if it was ever deleted.
    receipt: Deletion | None = None
    #: Whether the pending events, with the check, are all that is due of the account.
    is_all: bool = False
    #: Whether the database is known to belong to an environment.
    is_pinned: bool = False
    #: When the account's deletion, or the sign-up that begins its new life, is due: a connection waits for either.
    account_due_at: datetime | None = None

    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    effects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    rows: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)
    checks: list[WantedCheck] = field(default_factory=list)
    #: Whether Cobalt was called.
    asked: bool = False
    environment: str | None = None
    #: The receipt as this attempt leaves it; None: as it was.
    new_receipt: Deletion | None = None
    #: Why the check was not carried out, and how long it has to wait; None: it was.
    check_waits: WantedCheck | None = None
    #: Whether the account was deleted in this attempt, so that everything of its ended life goes.
    buries: bool = False

    @property
    def account_id(self) -> str:
        """The account whose lease this attempt holds."""
        return self.lease.linked_account_id

    @property
    def slug(self) -> str:
        """The application that the subject is about; empty: the account itself."""
        return self.lease.slug

    @property
    def done(self) -> list[Entry]:
        """Of the events that ended, those that succeeded."""
        return [entry for entry in self.ended if entry.logged.status == "done"]

    @property
    def knows_account(self) -> bool:
        """Whether the mirror's row shows that Cobalt had the account."""
        return self.account is not None and self.account["status"] != "pending"

    @property
    def is_deleted(self) -> bool:
        """Whether the account is deleted and no sign-up has begun a new life."""
        return self.account is not None and self.account["status"] == "deleted"

    @property
    def is_all_done(self) -> bool:
        """Whether nothing is left that was due when the attempt began."""
        ends = {Verdict.DONE, Verdict.SUPERSEDED, Verdict.DEAD}
        outcomes = (self.outcomes.get(entry.logged.key) for entry in self.pending)
        return self.is_all and not self.checks and all(one is not None and one.verdict in ends for one in outcomes)

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call Cobalt, if the lease surely outlasts the call.

        Raises:
            OutOfTime: it may not; nothing was sent.
        """
        if self.lease.ends - self.monotonic() < self.settings.longest_call_seconds:
            raise OutOfTime
        self.asked = True
        return call(*args, **kwargs)

    def waiting(self) -> list[Entry]:
        """The pending events that have no outcome yet."""
        return [entry for entry in self.pending if entry.logged.key not in self.outcomes]

    def finish(self, entries: Iterable[Entry], outcome: Outcome = DONE) -> None:
        """Note the outcome of events."""
        for entry in entries:
            self.outcomes[entry.logged.key] = outcome

    def finish_folded(self, entries: Iterable[Entry], parts: Iterable[Key]) -> None:
        """Note that events were carried out together: those that have no part in the result are folded away."""
        kept = set(parts)
        for entry in entries:
            self.outcomes[entry.logged.key] = (
                DONE if entry.logged.key in kept else superseded("a later event says it all")
            )

    def found_account(self, answer: LinkedAccount) -> None:
        """Note what Cobalt says of the account. A name cannot be null: that there is none is said by leaving it out."""
        self.environment = answer.environment or self.client.environment
        row: dict[str, Any] = {"linked_account_id": self.account_id, "status": "active"}
        told = {"name": answer.name, "udf": answer.udf, "environment": self.environment}
        if answer.udf is None and "udf" not in answer.raw:
            told.pop("udf")
        self.rows.append((linked_accounts, {**row, **told}))
        self.account = {**(self.account or {}), **row, **told}

    def with_account(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call Cobalt; if it does not know the account because nobody signed it up, create that and call again.

        Raises:
            AccountGone: the mirror knows the account, so it was deleted at Cobalt; only a sign-up makes it anew.
        """
        try:
            return self.ask(call, *args, **kwargs)
        except UnknownAccount as error:
            if self.knows_account:
                self.rows.append((linked_accounts, {"linked_account_id": self.account_id, "status": "missing"}))
                raise AccountGone(
                    "Cobalt no longer has this account; if it was deleted by mistake, publish user_signed_up for it"
                ) from error
        self.found_account(self.ask(self.client.upsert_account, self.account_id))
        return self.ask(call, *args, **kwargs)
