"""The lease recorder: check at every commit who takes, returns and holds a lease, and that none writes without one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tests.integration.interleaving.scheduler import Actor, Scheduler, Violation

_LEASES = "SELECT linked_account_id, lease_token, leased_until FROM work WHERE lease_token IS NOT NULL"
#: Changes whenever an attempt records what it did, of whatever kind.
_RECORDED = """
    SELECT (SELECT max(number) FROM history),
           (SELECT group_concat(status || attempts || looks || due_at || coalesce(effect, '')) FROM events),
           (SELECT group_concat(verified_at) FROM linked_accounts),
           (SELECT group_concat(verified_at) FROM connections),
           (SELECT group_concat(verified_at) FROM configs)
"""


@dataclass(frozen=True)
class HeldLease:
    """A lease, with the actor that holds it and the number of the actor's run that took it."""

    token: str
    until: datetime
    actor: Actor
    run: int


class LeaseRecorder:
    """Records which actor holds which account, from the rows in the database."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._held: dict[str, HeldLease] = {}
        self._recorded: Any = None
        #: The actors that must not record anything without a lease.
        self.workers: list[Actor] = []
        #: How often an account was taken from an actor whose lease had expired.
        self.takeovers = 0
        #: How many writes took effect after another actor had taken the account over.
        self.late_writes = 0

    def held_by(self, actor: Actor) -> HeldLease | None:
        """Return the lease that an actor's present run holds; None if it has none, or another actor took it over."""
        return next((held for held in self._held.values() if (held.actor, held.run) == (actor, actor.crashes)), None)

    def commits(self, connection: Connection) -> None:
        """Check an actor's transaction before its commit."""
        actor = self._scheduler.current()
        if actor is None:
            return
        raw = connection.connection.driver_connection
        assert raw is not None
        rows = {account: (token, until) for account, token, until in raw.execute(_LEASES)}
        may_record = self._note_leases(actor, rows)
        recorded = raw.execute(_RECORDED).fetchone()
        if actor in self.workers and recorded != self._recorded and not may_record:
            raise Violation("something is recorded by a worker that has no lease to give back")
        self._recorded = recorded

    def _note_leases(self, actor: Actor, rows: dict[str, tuple[str, str]]) -> bool:
        """Compare the leases with the previous ones.

        Returns:
            Whether the actor gives back a lease of its own, or takes over one, and records that an attempt was lost.
        """
        present_run = (actor, actor.crashes)
        may_record = False
        for account in [*self._held]:
            before = self._held[account]
            if account not in rows:
                if (before.actor, before.run) != present_run:
                    raise Violation(f"the lease on {account} that {before.actor.name} holds is given back")
                del self._held[account]
                may_record = True
        for account, (token, until) in rows.items():
            previous = self._held.get(account)
            if previous is not None and previous.token == token:
                continue
            if previous is not None:
                if previous.until > self._scheduler.clock():
                    raise Violation(f"two hold {account}")
                self.takeovers += 1
                may_record = True
            self._held[account] = HeldLease(token, datetime.fromisoformat(until), actor, actor.crashes)
        return may_record
