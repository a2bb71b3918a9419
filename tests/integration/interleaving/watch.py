"""Watches every commit of the actors: who takes a lease, who gives one back, and who records something without one."""

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
class Held:
    """A lease: whose it is, and which of that actor's lives took it."""

    token: str
    until: datetime
    actor: Actor
    life: int


class LeaseWatch:
    """Knows who holds which account, from what is in the database."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._held: dict[str, Held] = {}
        self._recorded: Any = None
        #: Those who may record nothing without a lease.
        self.workers: list[Actor] = []
        #: How often an account was taken from somebody who had let its lease run out.
        self.taken_over = 0
        #: How many writes landed after somebody else had taken the account over.
        self.late_writes = 0

    def held_by(self, actor: Actor) -> Held | None:
        """The lease that an actor's present life holds; None: it has none, or somebody else took it over."""
        return next((held for held in self._held.values() if (held.actor, held.life) == (actor, actor.deaths)), None)

    def commits(self, connection: Connection) -> None:
        """An actor's transaction is about to commit."""
        actor = self._scheduler.current()
        if actor is None:
            return
        raw = connection.connection.driver_connection
        assert raw is not None
        rows = {account: (token, until) for account, token, until in raw.execute(_LEASES)}
        given_back = self._note_leases(actor, rows)
        recorded = raw.execute(_RECORDED).fetchone()
        if actor in self.workers and recorded != self._recorded and not given_back:
            raise Violation("something is recorded by a worker that has no lease to give back")
        self._recorded = recorded

    def _note_leases(self, actor: Actor, rows: dict[str, tuple[str, str]]) -> bool:
        """Compare with what was known. Says whether the actor gives back a lease of its own."""
        ours = (actor, actor.deaths)
        given_back = False
        for account in [*self._held]:
            before = self._held[account]
            if account not in rows:
                if (before.actor, before.life) != ours:
                    raise Violation(f"the lease on {account} that {before.actor.name} holds is given back")
                del self._held[account]
                given_back = True
        for account, (token, until) in rows.items():
            known = self._held.get(account)
            if known is not None and known.token == token:
                continue
            if known is not None:
                if known.until > self._scheduler.clock():
                    raise Violation(f"two hold {account}")
                self.taken_over += 1
            self._held[account] = Held(token, datetime.fromisoformat(until), actor, actor.deaths)
        return given_back
