"""What is done about one connection: read it, disconnect what was meant, see authorisations, change its configs."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from cobalt_mirror.cobalt import Application, ConnectedAccount, Refused, UnknownAccount, UnknownApplication
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.rows import ConnectionColumns
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.accounts import with_account
from cobalt_mirror.workers.handlers.configs import came_to_be, change_config, change_configs, read_configs
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch, config_id_of
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.removals import Link, RemovalPlan, link_of, plan_removals, was_total
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded

#: When an authorisation that Cobalt does not show yet is looked at again, in seconds after the look before.
LOOKS = (2.0, 3.0, 10.0)
#: An authorisation of this age is believed to have failed when Cobalt does not show it.
FRESH = timedelta(seconds=30)

_REMOVED = "a later connection_removed made this event unnecessary"


def handle_connection(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Carry out the pending events of a connection, or read it if only a check asks."""
    if _supersede_what_was_removed_later(loaded, findings) and findings.account is None:
        # in order, those events would have had the account made
        account = with_account(cobalt, findings, cobalt.fetch_account)
        findings.found_account(account, environment=cobalt.environment)
    entries = findings.waiting()
    if not entries and loaded.check is None:
        return
    removals = _removals(entries)
    authorizations = [entry for entry in entries if isinstance(entry.event, ConnectionAuthorized)]
    renewed_since = None
    if removals or authorizations or loaded.check is not None:
        accounts = _read(loaded, findings, _reading(cobalt, findings))
        if accounts is None:
            return
        if removals:
            accounts, renewed_since = _remove(loaded, cobalt, findings, removals=removals, accounts=accounts)
        waiting = [entry for entry in authorizations if entry.logged.key not in findings.outcomes]
        _authorize(loaded, cobalt, findings, entries=waiting, accounts=accounts)
    _configure(loaded, cobalt, findings, renewed_since=renewed_since)
    findings.finish([entry for entry in removals if entry.logged.key not in findings.outcomes])
    if loaded.check is not None:  # what this attempt wrote is known
        read_configs(cobalt, findings, known=findings.changed_configs())
    if findings.account is None:
        findings.want_check("", reason="the mirror has no row for this account yet")


def read_connection(loaded: Loaded, cobalt: Reader, findings: Findings) -> None:
    """Read a connection and its configs for their own sake."""
    if _read(loaded, findings, cobalt.fetch_application) is not None:
        read_configs(cobalt, findings)


def _supersede_what_was_removed_later(loaded: Loaded, findings: Findings) -> bool:
    """Keep removed what a later removal removed. Return whether there was such."""
    removed = [entry.order for entry in loaded.done if was_total(entry)]
    waiting = [entry for entry in findings.waiting() if not isinstance(entry.event, ConnectionRemoved)]
    late = [entry for entry in waiting if any(order > entry.order for order in removed)]
    findings.finish(late, superseded(_REMOVED))
    return bool(late)


def _reading(cobalt: Caller, findings: Findings) -> Callable[[], Application]:
    """Return how to read: what a host authorised or changed wants its account to exist, what it removed does not."""
    if any(not isinstance(entry.event, ConnectionRemoved) for entry in findings.waiting()):
        return partial(with_account, cobalt, findings, cobalt.fetch_application)
    return cobalt.fetch_application


def _read(loaded: Loaded, findings: Findings, fetch: Callable[[], Application]) -> list[ConnectedAccount] | None:
    """Read what is connected now; None: the account does not exist, and nothing here wants it to."""
    try:
        application = fetch()
    except UnknownAccount:
        _without_account(loaded, findings)
        return None
    except UnknownApplication:
        if findings.waiting():
            raise
        return None  # only a check asked, of an application that is not enabled any more
    _found(findings, application.connected_accounts, needs_reauth=application.reauth_required)
    return list(application.connected_accounts)


def _without_account(loaded: Loaded, findings: Findings) -> None:
    """Finish the removals of an account that Cobalt does not have; nothing but removals is left to wait."""
    status = None if findings.account is None else findings.account.status
    if status is AccountStatus.ACTIVE:
        findings.want_check("", reason="Cobalt does not know the account")
    elif status is AccountStatus.MISSING:  # what it had is gone with it
        _found(findings, [])
        findings.configs_deleted()
    removals = findings.waiting()
    findings.effects.update(plan_removals(removals, _removals(loaded.done), []).effects())
    detail = "Cobalt has no such account, so there is nothing to remove"
    findings.finish(removals, Outcome(verdict=Verdict.DONE, detail=detail))


def _removals(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.event, ConnectionRemoved)]


# --- removals ---------------------------------------------------------------------------------------------------------


def _remove(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    removals: Sequence[Entry],
    accounts: Sequence[ConnectedAccount],
) -> tuple[list[ConnectedAccount], Entry | None]:
    """Disconnect what the removals mean, all on one read.

    Returns:
        What stays connected, and, if the configs went too, the last removal before which everything is moot.
    """
    plan = plan_removals(removals, _removals(loaded.done), [_link(account) for account in accounts])
    remaining = [account for account in accounts if _link(account) in plan.remaining]
    deleted = _disconnect(loaded, cobalt, findings, plan=plan, remaining=remaining)
    # An earlier attempt may have come as far as the DELETE and no further.
    deleted = deleted or any((entry.logged.effect or {}).get("deleted") for entry in removals)
    for key, effect in plan.effects().items():
        findings.effects[key] = {**effect, "deleted": deleted}
    kinds = ", ".join(sorted({account.auth_type for account in remaining}))
    meaningless = [entry for entry in removals if remaining and not plan.taken[entry.logged.key]]
    detail = f"nothing removed: {kinds} was connected later, or has another auth type"
    findings.finish(meaningless, Outcome(verdict=Verdict.DONE, detail=detail))
    if plan.last_total is None:
        return remaining, None
    waiting = findings.waiting()
    moot = [entry for entry in waiting if entry.order < plan.last_total.order and entry not in removals]
    findings.finish(moot, superseded(_REMOVED))
    return remaining, plan.last_total if deleted else None


def _link(account: ConnectedAccount) -> Link:
    return link_of(account.auth_type, account.connected_at)


def _disconnect(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    plan: RemovalPlan,
    remaining: Sequence[ConnectedAccount],
) -> bool:
    """Disconnect; every DELETE follows the read of this attempt and names what it means, so nothing newer goes too.

    Returns:
        Whether the connection's configs went with it.
    """
    for link in plan.leaving:
        cobalt.disconnect(auth_type=link.auth_type)
    has_left_over = bool(findings.configs) or loaded.is_in_doubt
    is_left_over = plan.last_total is not None and not remaining and has_left_over
    if not plan.leaving and not is_left_over:
        return False
    if not plan.leaving:  # nothing is connected, but configs may be there that the removals mean
        cobalt.disconnect()
    _found(findings, remaining)
    if remaining:
        return False
    findings.configs_deleted()
    findings.configs = ()
    return True


# --- authorisations ---------------------------------------------------------------------------------------------------


def _authorize(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    entries: Sequence[Entry],
    accounts: Sequence[ConnectedAccount],
) -> None:
    """See which authorisations show. Whatever is connected gets its config, also if the authorised account is not (any
    more) among it: whether a removal of one account came before or after must make no difference."""
    outcomes = {
        entry.logged.key: DONE if _is_shown(entry, accounts) else not_yet(entry.logged, loaded.now) for entry in entries
    }
    ended = any(outcome.verdict is Verdict.DONE for outcome in outcomes.values())
    try:
        if accounts and ended and loaded.settings.find_config_on_authorization:
            _find_config(loaded, cobalt, findings)
    except Refused as error:  # the connection stands all the same
        without = Outcome(verdict=Verdict.DONE, detail=f"connected, but without a config: {error}")
        outcomes = {key: without if outcome is DONE else outcome for key, outcome in outcomes.items()}
    findings.outcomes.update(outcomes)


def _is_shown(entry: Entry, accounts: Sequence[ConnectedAccount]) -> bool:
    wanted = entry.event.auth_type if isinstance(entry.event, ConnectionAuthorized) else None
    return any(account.status == "active" and wanted in {None, account.auth_type} for account in accounts)


def not_yet(event: LoggedEvent, now: datetime) -> Outcome:
    """Decide about an authorisation that Cobalt does not show: look again a few times before that is believed."""
    is_early = event.due_at is not None and event.due_at > now  # another event brought us here
    is_old = now - event.recorded_at >= FRESH
    if is_early and not is_old:
        return Outcome(verdict=Verdict.SNOOZE, delay=None)
    if is_old or event.looks >= len(LOOKS):
        return Outcome(verdict=Verdict.DONE, detail="Cobalt shows no such connection")
    delay = timedelta(seconds=LOOKS[event.looks])
    return Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=True, detail="Cobalt does not show the connection yet")


def _find_config(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Have the config that bears the account's id, unless the mirror shows it or a waiting change will find it."""
    installed = {row.config_id for row in findings.configs}
    changes = [entry for entry in findings.waiting() if isinstance(entry.event, ConfigChanged)]
    if loaded.account_id not in installed | {config_id_of(entry, loaded.account_id) for entry in changes}:
        change_config(cobalt, findings, loaded.account_id, Patch())


# --- configs ----------------------------------------------------------------------------------------------------------


def _configure(loaded: Loaded, cobalt: Caller, findings: Findings, *, renewed_since: Entry | None) -> None:
    """Carry out the changes. Where a removal took the configs along, what came after it goes into new ones, also what
    was done already: a removal that comes late must not undo what is newer."""
    changes = [entry for entry in findings.waiting() if isinstance(entry.event, ConfigChanged)]
    done = [entry for entry in loaded.done if isinstance(entry.event, ConfigChanged)]
    if renewed_since is None:
        change_configs(loaded, cobalt, findings, entries=changes, later=done)
        return
    newer = (entry for entry in done if entry.order > renewed_since.order)
    changes = sorted([*changes, *newer], key=lambda entry: entry.order)
    change_configs(loaded, cobalt, findings, entries=changes, later=[])
    refused = [entry for entry in loaded.ended if came_to_be(entry) and entry.order > renewed_since.order]
    changed = {config_id_of(entry, loaded.account_id) for entry in changes}
    for config_id in sorted({config_id_of(entry, loaded.account_id) for entry in refused} - changed):
        change_config(cobalt, findings, config_id, Patch())


# --- the mirror's row -------------------------------------------------------------------------------------------------


def _found(findings: Findings, accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> None:
    """Note what is connected; what never was connected gets no row."""
    if accounts or findings.connection is not None:
        findings.found_connection(connection_columns(accounts, needs_reauth=needs_reauth))


def connection_columns(accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> ConnectionColumns:
    """Return a connection as the mirror holds it: connected only while every account of it works."""
    expired = needs_reauth or any(account.status != "active" for account in accounts)
    if not accounts:
        status = ConnectionStatus.DISCONNECTED
    else:
        status = ConnectionStatus.REAUTH_REQUIRED if expired else ConnectionStatus.CONNECTED
    return {
        "status": status,
        "accounts": [
            {
                "identifier": account.identifier,
                "auth_type": account.auth_type,
                "connected_at": stored_time(account.connected_at),
                "status": account.status,
            }
            for account in accounts
        ],
        "connected_at": max((account.connected_at for account in accounts if account.connected_at), default=None),
    }
