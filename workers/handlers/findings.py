"""What an attempt finds out: the only thing that handlers change. Everything in it is saved in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self, TypeAlias

from sqlalchemy import Connection

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.denials import end_denial, record_denial
from cobalt_mirror.db.rows import (
    AccountColumns,
    AccountRow,
    Change,
    ConfigColumns,
    ConfigKey,
    ConfigRow,
    ConnectionColumns,
    ConnectionRow,
    account_change,
    config_change,
    config_deleted,
    connection_change,
)
from cobalt_mirror.db.statuses import AccountStatus, Unseen
from cobalt_mirror.db.tables import configs as configs_table
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import ONCE_MORE, SETTLED
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded

Key: TypeAlias = tuple[str, str]

_ENDS = frozenset({Verdict.DONE, Verdict.SUPERSEDED, Verdict.DEAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCheck:
    """A subject to be read again later, and why."""

    slug: str
    delay: timedelta
    reason: str


@dataclass(slots=True, kw_only=True)
class Findings:
    """What an attempt found out, and the mirror's rows as they will be.

    Attributes:
        account: the account's row as it will be.
        connection: the connection's row as it will be.
        configs: the installed configs that a disconnect would take along.
        outcomes: how events ended or were put off, by their keys.
        effects: what events had for an effect, for events that come later and are older.
        changes: what to record in the mirror, in order.
        checks: subjects to be read again later.
        check_waits: why the check that was due has to wait, and for how long; None: it was carried out.
        absent: configs that the mirror shows and a read did not, which is not believed yet, each since when.
        looks_again: when the check that was due is to be made again, as it did not show what it should; None: it did.
        is_denied: whether Cobalt denied the account in this attempt; None: it did not say.
        seen: what reads of this attempt have shown.
        environment: the environment that Cobalt's answer named.
        receipt: the receipt of the account's deletion as this attempt leaves it; None: as it was.
        erases_account: whether the account was deleted in this attempt, so that everything of its generation goes.
    """

    loaded: Loaded
    account: AccountRow | None
    connection: ConnectionRow | None
    configs: Sequence[ConfigRow]
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    effects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    checks: list[WantedCheck] = field(default_factory=list)
    absent: dict[ConfigKey, datetime] = field(default_factory=dict)
    check_waits: WantedCheck | None = None
    looks_again: timedelta | None = None
    is_denied: bool | None = None
    seen: set[Unseen] = field(default_factory=set)
    environment: str | None = None
    receipt: Deletion | None = None
    erases_account: bool = False

    @classmethod
    def begin(cls, loaded: Loaded) -> Self:
        """Begin with what was loaded, and nothing found."""
        return cls(loaded=loaded, account=loaded.account, connection=loaded.connection, configs=loaded.configs)

    # --- events -------------------------------------------------------------------------------------------------------

    def waiting(self) -> list[Entry]:
        """Return the pending events that have no outcome yet."""
        return [entry for entry in self.loaded.pending if entry.logged.key not in self.outcomes]

    def finish(self, entries: Iterable[Entry], outcome: Outcome = DONE) -> None:
        """Note the outcome of events."""
        for entry in entries:
            self.outcomes[entry.logged.key] = outcome

    def finish_folded(self, entries: Iterable[Entry], parts: Iterable[Key]) -> None:
        """Note that events were carried out together: those that have no part in the result are folded away."""
        kept = set(parts)
        for entry in entries:
            self.outcomes[entry.logged.key] = (
                DONE if entry.logged.key in kept else superseded("a later event replaces this one")
            )

    def has_finished_all(self) -> bool:
        """Tell whether every pending event ended and nothing is to be read again."""
        outcomes = (self.outcomes.get(entry.logged.key) for entry in self.loaded.pending)
        return not self.checks and all(outcome is not None and outcome.verdict in _ENDS for outcome in outcomes)

    # --- the account --------------------------------------------------------------------------------------------------

    @property
    def has_account(self) -> bool:
        """Whether the mirror shows that Cobalt had the account."""
        return self.account is not None and self.account.status is not AccountStatus.PENDING

    @property
    def is_deleted(self) -> bool:
        """Whether the account is deleted and no sign-up has begun a new generation."""
        return self.account is not None and self.account.status is AccountStatus.DELETED

    def found_account(self, answer: LinkedAccount, *, environment: str | None) -> None:
        """Note what Cobalt says of the account.

        A name cannot be null: Cobalt says that there is none by leaving it out. A `udf` that is left out is unknown.
        """
        self.environment = answer.environment or environment
        self.is_denied = False
        columns: AccountColumns = {"status": AccountStatus.ACTIVE, "name": answer.name, "environment": self.environment}
        if answer.udf is not None or "udf" in answer.raw:
            columns["udf"] = answer.udf
        self.changes.append(account_change(self.loaded.account_id, **columns))
        before = self.account or AccountRow(linked_account_id=self.loaded.account_id, status=AccountStatus.ACTIVE)
        self.account = replace(before, **columns)

    def saw_account(self, answer: LinkedAccount, *, environment: str | None) -> None:
        """Note what a read says of the account: what ended because Cobalt did not show it is carried out after all."""
        self.found_account(answer, environment=environment)
        self.seen.add(Unseen.ACCOUNT)

    def account_missing(self) -> None:
        """Note that Cobalt no longer has the account. One more look follows, in case that was wrong all the same."""
        self.is_denied = False
        self.changes.append(account_change(self.loaded.account_id, status=AccountStatus.MISSING))
        if self.account is not None:
            self.account = replace(self.account, status=AccountStatus.MISSING)
        self.want_check("", delay=ONCE_MORE, reason="a second read, to confirm that the account is missing")

    def account_deleted(self, receipt: Deletion) -> None:
        """Note that the account was deleted for good. What the mirror holds of it is stripped when this is saved."""
        self.receipt, self.erases_account = receipt, True
        self.account = AccountRow(linked_account_id=self.loaded.account_id, status=AccountStatus.DELETED)

    # --- the connection and its configs -------------------------------------------------------------------------------

    def found_connection(self, columns: ConnectionColumns) -> None:
        """Note what is connected."""
        account_id, slug = self.loaded.account_id, self.loaded.slug
        self.changes.append(connection_change(account_id, slug, **columns))
        self.connection = ConnectionRow(linked_account_id=account_id, slug=slug, **columns)

    def found_config(self, key: ConfigKey, columns: ConfigColumns) -> None:
        """Note what a config holds."""
        account_id, slug = self.loaded.account_id, self.loaded.slug
        self.changes.append(config_change(account_id, slug, key, **columns))
        row = ConfigRow(linked_account_id=account_id, slug=slug, **key._asdict(), **columns)
        self.configs = [*(other for other in self.configs if other.key != key), row]

    def config_deleted(self, key: ConfigKey) -> None:
        """Note that a config is gone."""
        self.changes.append(config_deleted(self.loaded.account_id, self.loaded.slug, key))
        self.configs = [row for row in self.configs if row.key != key]

    def shows_config(self, key: ConfigKey) -> bool:
        """Tell whether the mirror shows a config as installed."""
        return any(row.key == key for row in self.configs)

    def config_gone(self, key: ConfigKey) -> None:
        """Note that Cobalt no longer has a config. One more look follows, in case that was wrong all the same."""
        self.config_deleted(key)
        self.want_check(self.loaded.slug, delay=ONCE_MORE, reason="a second read, to confirm that a config is gone")

    def configs_deleted(self, *, connection_id: str | None = None) -> None:
        """Note that the configs of one connection are gone, or (None) those of all of them."""
        gone = [row for row in self.configs if connection_id in {None, row.connection_id}]
        for row in gone:
            self.config_deleted(row.key)

    def changed_configs(self) -> set[ConfigKey]:
        """Return the keys of the configs that this attempt has read or written."""
        return {
            ConfigKey(change.key["config_id"], change.key["connection_id"])
            for change in self.changes
            if change.table is configs_table
        }

    # --- reading again ------------------------------------------------------------------------------------------------

    def want_check(self, slug: str, *, reason: str, delay: timedelta = timedelta()) -> None:
        """Have a subject read again. The empty slug is the account itself."""
        self.checks.append(WantedCheck(slug=slug, delay=delay, reason=reason))

    def doubt(self, slug: str, *, reason: str) -> None:
        """Have a subject read when a delayed write must have landed; the account too, if it may have been that."""
        delay = timedelta(seconds=self.loaded.settings.delayed_write_seconds)
        for each in {slug} if self.has_account else {slug, ""}:
            self.want_check(each, reason=reason, delay=delay)


def record_denied(connection: Connection, findings: Findings, now: datetime) -> None:
    """Write whether Cobalt denies the account."""
    loaded = findings.loaded
    if findings.is_denied and loaded.denial is None:
        record_denial(connection, loaded.account_id, since=now)
        # Whatever becomes of this attempt's events, a read of the account itself ends the denial.
        reason = "Cobalt says that it does not have the account"
        record_check(connection, loaded.account_id, "", due_at=now + SETTLED, reason=reason)
    elif findings.is_denied is False and loaded.denial is not None:
        end_denial(connection, loaded.account_id)


def record_wanted(connection: Connection, findings: Findings, now: datetime) -> None:
    """Write the subjects to be read again."""
    for check in findings.checks:
        record_check(connection, findings.loaded.account_id, check.slug, due_at=now + check.delay, reason=check.reason)
