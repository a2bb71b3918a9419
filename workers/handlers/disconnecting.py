"""What is done for removals: every DELETE follows a fresh read and names what it means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cobalt_mirror.cobalt import Application, ConnectedAccount
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.authorizing import LOOKS
from cobalt_mirror.workers.handlers.findings import Findings, WantedCheck
from cobalt_mirror.workers.handlers.identity import Evidence, Judgement, Link, judge, link_of, may_have_news, read_links
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.reading import found_connected
from cobalt_mirror.workers.handlers.removals import RemovalPlan, is_moot, judgements, plan_removals, taken_before
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded

REMOVED = "a later connection_removed made this event unnecessary"
_WAITS = "Cobalt shows a later connected time; if the customer has connected again, the news of it may be on its way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What removals left.

    Attributes:
        accounts: what stays connected.
        renewed_since: if all configs went too, the last removal before which everything is moot.
    """

    accounts: Sequence[ConnectedAccount]
    renewed_since: Entry | None = None


def removals_among(entries: Sequence[Entry]) -> list[Entry]:
    """Return the removals among events."""
    return [entry for entry in entries if isinstance(entry.event, ConnectionRemoved)]


def remove(
    loaded: Loaded, cobalt: Caller, findings: Findings, *, removals: Sequence[Entry], application: Application
) -> Removed | None:
    """Disconnect what the removals mean.

    Args:
        loaded: the subject.
        cobalt: the right to call.
        findings: what to change.
        removals: those that wait, oldest first.
        application: the read of this attempt.

    Returns:
        What stays; None: news that decides may be on its way, so everything of the connection waits for a moment.
    """
    evidence = _gather(loaded, cobalt, removals=removals, application=application)
    if _wait_for_news(loaded, findings, removals=removals, evidence=evidence):
        return None
    disconnecting = _Disconnecting(loaded=loaded, cobalt=cobalt, findings=findings, removals=removals)
    plan, remaining, has_deleted = disconnecting.run(application.connected_accounts, evidence)
    # An earlier attempt may have come as far as the DELETE and no further.
    has_deleted = has_deleted or any((entry.logged.effect or {}).get("deleted") for entry in removals)
    for key, effect in plan.effects().items():
        findings.effects[key] = {**effect, "deleted": has_deleted}
    _explain(findings, removals=removals, plan=plan, remaining=remaining, evidence=evidence)
    _finish_moot(findings, removals=removals, plan=plan)
    renewed_since = plan.last_total if has_deleted else None
    return Removed(accounts=remaining, renewed_since=renewed_since)


def _gather(loaded: Loaded, cobalt: Caller, *, removals: Sequence[Entry], application: Application) -> Evidence:
    """Put together what tells a renewed token from a new connection; the account is read only if it must be."""
    links = [link_of(account) for account in application.connected_accounts]
    events = [*loaded.pending, *loaded.done]
    mirrored = read_links(None if loaded.connection is None else loaded.connection.accounts)
    evidence = Evidence(
        shown=links,
        seen=[*mirrored, *links],
        authorizations=[entry for entry in events if isinstance(entry.event, ConnectionAuthorized)],
        notified_at=loaded.notified_at,
    )
    if any(Judgement.UNCLEAR in each for each in judgements(removals, links, evidence).values()):
        return evidence.with_account(cobalt.fetch_account(), application)
    return evidence


def _wait_for_news(loaded: Loaded, findings: Findings, *, removals: Sequence[Entry], evidence: Evidence) -> bool:
    looks = max(entry.logged.looks for entry in removals)
    found = judgements(removals, evidence.shown, evidence)
    is_open = any(Judgement.RENEWED in each and may_have_news(link, now=loaded.now) for link, each in found.items())
    if not is_open or looks >= len(LOOKS):
        return False
    delay = timedelta(seconds=LOOKS[looks])
    findings.finish(findings.waiting(), Outcome(verdict=Verdict.SNOOZE, delay=delay, detail=_WAITS))
    findings.finish(removals, Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=True, detail=_WAITS))
    if loaded.check is not None:
        findings.check_waits = WantedCheck(slug=loaded.slug, delay=delay, reason=_WAITS)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Disconnecting:
    """The calls that carry out the removals of one connection."""

    loaded: Loaded
    cobalt: Caller
    findings: Findings
    removals: Sequence[Entry]

    def run(
        self, accounts: Sequence[ConnectedAccount], evidence: Evidence
    ) -> tuple[RemovalPlan, list[ConnectedAccount], bool]:
        """Disconnect one connected account after the other, each after a read.

        Returns:
            The plan that was carried out, what stays connected, and whether all configs went with the connection.
        """
        shown = [link_of(account) for account in accounts]
        gone = [link for entry in self.removals for link in taken_before(entry) if link not in shown]
        remaining, has_disconnected = list(accounts), False
        while True:
            plan = self._plan(remaining, gone, evidence)
            deleted = {link.name for link in gone}
            leaving = [link for link in plan.leaving if link.name not in deleted]
            if not leaving:
                return plan, remaining, self._end(plan, remaining, has_disconnected=has_disconnected)
            self._disconnect(leaving[0])
            gone, has_disconnected = [*gone, leaving[0]], True
            if len(leaving) > 1:
                remaining = list(self.cobalt.fetch_application().connected_accounts)
            remaining = [account for account in remaining if link_of(account) not in gone]
            evidence = replace(evidence, shown=[link_of(account) for account in remaining])
            found_connected(self.findings, remaining)

    def _plan(self, remaining: Sequence[ConnectedAccount], gone: Sequence[Link], evidence: Evidence) -> RemovalPlan:
        links = [link_of(account) for account in remaining]
        return plan_removals(self.removals, removals_among(self.loaded.done), [*links, *gone], evidence)

    def _disconnect(self, link: Link) -> None:
        if link.connection_id is None:
            self.cobalt.disconnect(auth_type=link.auth_type)
        else:
            self.cobalt.disconnect(connection_id=link.connection_id)
            self.findings.configs_deleted(connection_id=link.connection_id)

    def _end(self, plan: RemovalPlan, remaining: Sequence[ConnectedAccount], *, has_disconnected: bool) -> bool:
        """Delete what is left over where nothing is connected; return whether all configs went with the connection."""
        if remaining:
            return False
        has_left_over = bool(self.findings.configs) or self.loaded.is_in_doubt
        if not has_disconnected and not (plan.last_total is not None and has_left_over):
            return False
        if not has_disconnected:  # nothing is connected, but configs may be there that the removals mean
            self.cobalt.disconnect()
            found_connected(self.findings, remaining)
        self.findings.configs_deleted()
        return True


def _explain(
    findings: Findings,
    *,
    removals: Sequence[Entry],
    plan: RemovalPlan,
    remaining: Sequence[ConnectedAccount],
    evidence: Evidence,
) -> None:
    """Finish the removals that left something connected, and say what and why."""
    links = [link_of(account) for account in remaining]
    for entry in removals:
        newer = sorted(link.name for link in links if judge(entry, link, evidence) is Judgement.NEWER)
        if newer:
            detail = f"{', '.join(newer)} stays: it was connected after this removal"
        elif links and not plan.taken[entry.logged.key]:
            names = ", ".join(sorted(link.name for link in links))
            detail = f"nothing removed: {names} is not what this removal names"
        else:
            continue
        findings.finish([entry], Outcome(verdict=Verdict.DONE, detail=detail))


def _finish_moot(findings: Findings, *, removals: Sequence[Entry], plan: RemovalPlan) -> None:
    taken = [
        (entry, link.connection_id)
        for entry in removals
        for link in plan.taken[entry.logged.key]
        if link.connection_id is not None
    ]
    last_total = plan.last_total
    moot = [
        entry
        for entry in findings.waiting()
        if entry not in removals
        and (is_moot(entry, taken=taken) or (last_total is not None and entry.order < last_total.order))
    ]
    findings.finish(moot, superseded(REMOVED))
