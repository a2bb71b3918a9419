"""What is done for removals: every DELETE follows a fresh read and names what it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cobalt_mirror.cobalt import Application, ConnectedAccount, LinkedAccount
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.findings import Findings, WantedCheck
from cobalt_mirror.workers.handlers.identity import (
    Evidence,
    Judgement,
    Link,
    is_behind_news,
    judge,
    link_of,
    may_have_news,
    read_links,
    seen_before,
    taken_before,
)
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import FRESH, LOOKS, NOT_YET, looks_soon
from cobalt_mirror.workers.handlers.reading import found_connected
from cobalt_mirror.workers.handlers.removals import RemovalPlan, is_moot, judgements, plan_removals, taken_ids
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded

REMOVED = "a later connection_removed made this event unnecessary"
_NO_EFFECT: Mapping[str, Any] = {"total": False, "deleted": False}
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
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    removals: Sequence[Entry],
    application: Application,
    account: LinkedAccount | None = None,
) -> Removed | None:
    """Disconnect what the removals mean.

    Args:
        loaded: the subject.
        cobalt: the right to call.
        findings: what to change.
        removals: those that wait, oldest first.
        application: the read of this attempt.
        account: the account, if this attempt has read it since.

    Returns:
        What stays; None: news that decides may be on its way, so everything of the connection waits for a moment.
    """
    accounts = application.connected_accounts
    evidence = _gather(loaded, application=application)
    evidence = _clarify(evidence, cobalt, removals=removals, application=application, account=account)
    _keep_seen(findings, removals=removals, evidence=evidence)
    if _wait_for_news(loaded, findings, removals=removals, evidence=evidence, accounts=accounts):
        return None
    disconnecting = _Disconnecting(loaded=loaded, cobalt=cobalt, findings=findings, removals=removals)
    left = disconnecting.run(accounts, evidence)
    if left is None:
        return None
    # An earlier attempt may have come as far as the DELETE and no further.
    has_deleted = left.has_deleted or any((entry.logged.effect or {}).get("deleted") for entry in removals)
    for key, effect in left.plan.effects().items():
        findings.effects[key] = {**effect, "deleted": has_deleted}
    _explain(findings, removals=removals, left=left)
    _finish_moot(findings, removals=removals, plan=left.plan)
    return Removed(accounts=left.accounts, renewed_since=left.plan.last_total if has_deleted else None)


def _gather(loaded: Loaded, *, application: Application) -> Evidence:
    """Put together what tells a renewed token from a new connection."""
    links = [link_of(account) for account in application.connected_accounts]
    events = [*loaded.pending, *loaded.done]
    return Evidence(
        shown=links,
        mirrored=read_links(None if loaded.connection is None else loaded.connection.accounts),
        events=events,
        authorizations=[entry for entry in events if isinstance(entry.event, ConnectionAuthorized)],
        notified_at=loaded.notified_at,
    )


def _clarify(
    evidence: Evidence,
    cobalt: Caller,
    *,
    removals: Sequence[Entry],
    application: Application,
    account: LinkedAccount | None = None,
) -> Evidence:
    """Add the account, if the rest does not tell: it is read only if it must be, and was not."""
    if any(Judgement.UNCLEAR in each for each in judgements(removals, evidence.shown, evidence).values()):
        return evidence.with_account(cobalt.fetch_account() if account is None else account, application)
    return evidence


def _keep_seen(findings: Findings, *, removals: Sequence[Entry], evidence: Evidence) -> None:
    """Keep what was seen as it was when it was to be removed, and is not in the stamp, for later attempts: the mirror
    moves on."""
    for entry in removals:
        stamped = {link.name for link in read_links(entry.logged.meant_for)}
        seen = [link for link in seen_before(entry, evidence) if stamped and link.name not in stamped]
        if seen:
            effect = findings.effects.get(entry.logged.key) or entry.logged.effect or _NO_EFFECT
            findings.effects[entry.logged.key] = {**effect, "seen": [link.as_json() for link in dict.fromkeys(seen)]}


def _wait_for_news(
    loaded: Loaded,
    findings: Findings,
    *,
    removals: Sequence[Entry],
    evidence: Evidence,
    accounts: Sequence[ConnectedAccount],
) -> bool:
    """Put everything off if a removal means what was connected or renewed just now, or what does not show yet.

    Returns:
        Whether that is so.
    """
    links = [link_of(account) for account in accounts]
    found = judgements(removals, links, evidence)
    is_open = any(Judgement.RENEWED in each and may_have_news(link, now=loaded.now) for link, each in found.items())
    is_behind = any(is_behind_news(entry, link, evidence, now=loaded.now) for entry in removals for link in links)
    is_absent = not accounts and not evidence.gone and _may_show_yet(loaded, removals)
    last = max(removals, key=lambda entry: entry.logged.looks).logged
    left = timedelta() if last.due_at is None or not last.looks else last.due_at - loaded.now
    is_early = left > timedelta() and looks_soon(last, loaded.now)  # another event brought us here
    if not (is_open or is_behind or is_absent) or (last.looks >= len(LOOKS) and not is_early):
        return False
    delay = left if is_early else timedelta(seconds=LOOKS[last.looks])
    detail = NOT_YET if is_absent else _WAITS
    findings.finish(findings.waiting(), Outcome(verdict=Verdict.SNOOZE, delay=delay, detail=detail))
    findings.finish(removals, Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=not is_early, detail=detail))
    if loaded.check is not None:
        findings.check_waits = WantedCheck(slug=loaded.slug, delay=delay, reason=detail)
    return True


def _may_show_yet(loaded: Loaded, removals: Sequence[Entry]) -> bool:
    """Tell whether an answer without any connection may be older than the connection that a fresh removal means.

    It is believed if the mirror says so as well.
    """
    is_known = loaded.connection is not None and loaded.connection.status is ConnectionStatus.DISCONNECTED
    effects = [entry.logged.effect or {} for entry in removals]
    has_removed = any(effect.get("deleted") or effect.get("disconnected") for effect in effects)
    has_left_over = bool(loaded.configs) or loaded.is_in_doubt  # deleted in any case
    if is_known or has_removed or has_left_over:
        return False
    return any(loaded.now - entry.logged.recorded_at < FRESH for entry in removals)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """What the calls left.

    Attributes:
        plan: the plan that was carried out.
        accounts: what stays connected.
        evidence: what the plan was made from.
        has_deleted: whether all configs went with the connection.
    """

    plan: RemovalPlan
    accounts: Sequence[ConnectedAccount]
    evidence: Evidence
    has_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Disconnecting:
    """The calls that carry out the removals of one connection."""

    loaded: Loaded
    cobalt: Caller
    findings: Findings
    removals: Sequence[Entry]

    def run(self, accounts: Sequence[ConnectedAccount], evidence: Evidence) -> _Left | None:
        """Disconnect one connected account after the other, each after a read.

        Returns:
            What is left; None: something moved meanwhile, and the rest has to wait for the news of it.
        """
        shown = [link_of(account) for account in accounts]
        gone = [link for entry in self.removals for link in taken_before(entry) if link not in shown]
        while True:
            plan = self._plan(accounts, gone, evidence)
            leaving = [link for link in plan.leaving if link not in gone]
            if not leaving:
                has_deleted = self._end(plan, accounts, has_disconnected=bool(evidence.gone))
                return _Left(plan=plan, accounts=accounts, evidence=evidence, has_deleted=has_deleted)
            self._disconnect(leaving[0], plan)
            gone = [*gone, leaving[0]]
            evidence = replace(evidence, gone=[*evidence.gone, leaving[0]])
            if len(leaving) > 1:
                application = self.cobalt.fetch_application()
                accounts = application.connected_accounts
                evidence = replace(evidence, shown=list(dict.fromkeys([*evidence.shown, *map(link_of, accounts)])))
                evidence = _clarify(evidence, self.cobalt, removals=self.removals, application=application)
            accounts = [account for account in accounts if link_of(account) not in gone]
            found_connected(self.findings, accounts)
            if len(leaving) > 1 and self._must_wait(accounts, evidence):
                return None

    def _must_wait(self, accounts: Sequence[ConnectedAccount], evidence: Evidence) -> bool:
        return _wait_for_news(self.loaded, self.findings, removals=self.removals, evidence=evidence, accounts=accounts)

    def _plan(self, remaining: Sequence[ConnectedAccount], gone: Sequence[Link], evidence: Evidence) -> RemovalPlan:
        links = [link_of(account) for account in remaining]
        return plan_removals(self.removals, removals_among(self.loaded.done), [*links, *gone], evidence)

    def _disconnect(self, link: Link, plan: RemovalPlan) -> None:
        if link.connection_id is None:
            self.cobalt.disconnect(auth_type=link.auth_type)
        else:
            self.cobalt.disconnect(connection_id=link.connection_id)
            self.findings.configs_deleted(connection_id=link.connection_id)
        for entry in self.removals:  # kept also if a later call fails: what is connected anew is not meant
            key = entry.logged.key
            if link in plan.taken[key]:
                effect = self.findings.effects.get(key) or entry.logged.effect or _NO_EFFECT
                taken = [*(effect.get("disconnected") or []), link.as_json()]
                self.findings.effects[key] = {**effect, "disconnected": taken}

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


def _explain(findings: Findings, *, removals: Sequence[Entry], left: _Left) -> None:
    """Finish the removals that left something connected, and say what and why."""
    links = [link_of(account) for account in left.accounts]
    for entry in removals:
        newer = sorted(link.name for link in links if judge(entry, link, left.evidence) is Judgement.NEWER)
        if newer:
            detail = f"not removed, as it was connected after this removal: {', '.join(newer)}"
        elif links and not left.plan.taken[entry.logged.key]:
            names = ", ".join(sorted(link.name for link in links))
            detail = f"nothing removed, as this removal names something else than what is connected: {names}"
        else:
            continue
        findings.finish([entry], Outcome(verdict=Verdict.DONE, detail=detail))


def _finish_moot(findings: Findings, *, removals: Sequence[Entry], plan: RemovalPlan) -> None:
    taken = taken_ids(removals, findings.effects)
    last_total = plan.last_total
    moot = [
        entry
        for entry in findings.waiting()
        if entry not in removals
        and (is_moot(entry, taken=taken) or (last_total is not None and entry.order < last_total.order))
    ]
    findings.finish(moot, superseded(REMOVED))
