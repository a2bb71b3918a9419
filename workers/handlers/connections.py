"""What is done about one connection: read it, disconnect what was meant, see authorisations, change its configs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cobalt_mirror.cobalt import Refused, UnknownAccount, UnknownApplication
from cobalt_mirror.cobalt.models import ConnectedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.tables import connections
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.configs import (
    came_to_be,
    change_config,
    change_configs,
    configs_deleted,
    read_configs,
)
from cobalt_mirror.workers.handlers.folding import Patch, config_id_of
from cobalt_mirror.workers.handlers.job import Job, WantedCheck
from cobalt_mirror.workers.handlers.removals import Link, RemovalPlan, link_of, plan_removals, was_total
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded

#: When an authorisation that Cobalt does not show yet is looked at again, in seconds after the look before.
LOOKS = (2.0, 3.0, 10.0)
#: An authorisation older than this is believed to have failed when Cobalt does not show it.
FRESH = timedelta(seconds=30)

_REMOVED = "the connection was removed after it"


def handle_connection(job: Job) -> None:
    """Carry out the pending events of a connection, or read it if only a check asks."""
    if _supersede_what_was_removed_later(job) and job.account is None:  # in order, they would have had it made
        job.found_account(job.with_account(job.client.fetch_account, job.account_id))
    entries = job.waiting()
    if not entries and job.check is None:
        return
    removals = _removals(entries)
    authorizations = [entry for entry in entries if isinstance(entry.event, ConnectionAuthorized)]
    renewed_since = None
    if removals or authorizations or job.check is not None:
        accounts = _read(job)
        if accounts is None:
            return
        if removals:
            accounts, renewed_since = _remove(job, removals, accounts)
        _authorize(job, [entry for entry in authorizations if entry.logged.key not in job.outcomes], accounts)
    _configure(job, renewed_since)
    job.finish([entry for entry in removals if entry.logged.key not in job.outcomes])
    if job.check is not None:
        _check_configs(job)
    if job.account is None:
        job.checks.append(WantedCheck(slug="", delay=timedelta(), reason="the mirror has no row of this account yet"))


def _supersede_what_was_removed_later(job: Job) -> bool:
    """What a later removal removed stays removed. Whether there was such."""
    removed = [entry.order for entry in job.done if was_total(entry)]
    waiting = [entry for entry in job.waiting() if not isinstance(entry.event, ConnectionRemoved)]
    late = [entry for entry in waiting if any(order > entry.order for order in removed)]
    job.finish(late, superseded(_REMOVED))
    return bool(late)


def _read(job: Job) -> list[ConnectedAccount] | None:
    """What is connected now; None: the account does not exist, and nothing here wants it to."""
    wanted = any(not isinstance(entry.event, ConnectionRemoved) for entry in job.waiting())
    try:
        call = job.with_account if wanted else job.ask
        application = call(job.client.fetch_application, job.account_id, job.slug)
    except UnknownAccount:
        if job.account is not None and job.account["status"] == "active":
            job.checks.append(WantedCheck(slug="", delay=timedelta(), reason="Cobalt does not know the account"))
        elif job.account is not None and job.account["status"] == "missing":  # what it had is gone with it
            _found(job, [])
            configs_deleted(job)
        removals = job.waiting()  # else the account would have been made
        job.effects.update(plan_removals(removals, _removals(job.done), []).effects())
        job.finish(removals, Outcome(verdict=Verdict.DONE, detail="Cobalt has no such account: nothing to remove"))
        return None
    except UnknownApplication:
        if job.waiting():
            raise
        return None  # only a check asked, of an application that is not enabled any more
    _found(job, application.connected_accounts, needs_reauth=application.reauth_required)
    return list(application.connected_accounts)


def _removals(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.event, ConnectionRemoved)]


# --- removals ---------------------------------------------------------------------------------------------------------


def _remove(
    job: Job, removals: Sequence[Entry], accounts: Sequence[ConnectedAccount]
) -> tuple[list[ConnectedAccount], Entry | None]:
    """Disconnect what the removals mean, all on one read.

    Returns:
        What stays connected, and, if the configs went too, the last removal before which everything is moot.
    """
    plan = plan_removals(removals, _removals(job.done), [_link(one) for one in accounts])
    remaining = [one for one in accounts if _link(one) in plan.remaining]
    # An earlier attempt may have come as far as the DELETE and no further.
    deleted = _disconnect(job, plan, remaining) or any((e.logged.effect or {}).get("deleted") for e in removals)
    for key, effect in plan.effects().items():
        job.effects[key] = {**effect, "deleted": deleted}
    for entry in removals:
        if remaining and not plan.taken[entry.logged.key]:
            kinds = ", ".join(sorted({one.auth_type for one in remaining}))
            job.finish(
                [entry], Outcome(verdict=Verdict.DONE, detail=f"it means none of what is connected: {kinds} stays")
            )
    if plan.last_total is None:
        return remaining, None
    moot = [e for e in job.waiting() if e.order < plan.last_total.order and e not in removals]
    job.finish(moot, superseded(_REMOVED))
    return remaining, plan.last_total if deleted else None


def _link(one: ConnectedAccount) -> Link:
    return link_of(one.auth_type, one.connected_at)


def _disconnect(job: Job, plan: RemovalPlan, remaining: Sequence[ConnectedAccount]) -> bool:
    """Disconnect; every DELETE follows the read of this attempt and names what it means, so nothing newer goes too.

    Returns:
        Whether the connection's configs went with it.
    """
    for link in plan.leaving:
        job.ask(job.client.disconnect, job.account_id, job.slug, auth_type=link.auth_type)
    left_over = plan.last_total is not None and not remaining and (bool(job.configs) or job.is_in_doubt)
    if not plan.leaving and not left_over:
        return False
    if not plan.leaving:  # nothing is connected, but configs may be there that the removals mean
        job.ask(job.client.disconnect, job.account_id, job.slug)
    _found(job, remaining)
    if remaining:
        return False
    configs_deleted(job)
    job.configs = ()
    return True


# --- authorisations ---------------------------------------------------------------------------------------------------


def _authorize(job: Job, entries: Sequence[Entry], accounts: Sequence[ConnectedAccount]) -> None:
    """See which authorisations show. Whatever is connected gets its config, also if the authorised account is not (any
    more) among it: whether a removal of one account came before or after must make no difference."""
    outcomes = {entry.logged.key: DONE if _is_shown(entry, accounts) else _not_yet(job, entry) for entry in entries}
    ended = any(outcome.verdict is Verdict.DONE for outcome in outcomes.values())
    try:
        if accounts and ended and job.settings.find_config_on_authorization:
            _find_config(job)
    except Refused as error:  # the connection stands all the same
        without = Outcome(verdict=Verdict.DONE, detail=f"connected, but without a config: {error}")
        outcomes = {key: without if outcome is DONE else outcome for key, outcome in outcomes.items()}
    job.outcomes.update(outcomes)


def _is_shown(entry: Entry, accounts: Sequence[ConnectedAccount]) -> bool:
    wanted = entry.event.auth_type if isinstance(entry.event, ConnectionAuthorized) else None
    return any(one.status == "active" and wanted in {None, one.auth_type} for one in accounts)


def _not_yet(job: Job, entry: Entry) -> Outcome:
    """Cobalt does not show it: look again a few times before that is believed."""
    row = entry.logged
    is_early = row.due_at is not None and row.due_at > job.now  # another event brought us here
    is_old = job.now - row.recorded_at >= FRESH
    if is_early and not is_old:
        return Outcome(verdict=Verdict.SNOOZE, delay=None)
    if is_old or row.looks >= len(LOOKS):
        return Outcome(verdict=Verdict.DONE, detail="Cobalt shows no such connection")
    delay = timedelta(seconds=LOOKS[row.looks])
    return Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=True, detail="Cobalt does not show it yet")


def _find_config(job: Job) -> None:
    """Have the config that bears the account's id, unless the mirror shows it or a waiting change will find it."""
    known = {row["config_id"] for row in job.configs if row["status"] == "installed"}
    waiting = {config_id_of(e, job.account_id) for e in job.waiting() if isinstance(e.event, ConfigChanged)}
    if job.account_id not in known | waiting:
        change_config(job, job.account_id, Patch())


# --- configs ----------------------------------------------------------------------------------------------------------


def _configure(job: Job, renewed_since: Entry | None) -> None:
    """Carry out the changes. Where a removal took the configs along, what came after it goes into new ones, also what
    was done already: a removal that comes late must not undo what is newer."""
    changes = [entry for entry in job.waiting() if isinstance(entry.event, ConfigChanged)]
    done = [entry for entry in job.done if isinstance(entry.event, ConfigChanged)]
    if renewed_since is None:
        change_configs(job, changes, done)
        return
    newer = (entry for entry in done if entry.order > renewed_since.order)
    changes = sorted([*changes, *newer], key=lambda entry: entry.order)
    change_configs(job, changes, [])
    refused = [entry for entry in job.ended if came_to_be(entry) and entry.order > renewed_since.order]
    changed = {config_id_of(entry, job.account_id) for entry in changes}
    for config_id in sorted({config_id_of(entry, job.account_id) for entry in refused} - changed):
        change_config(job, config_id, Patch())


def _check_configs(job: Job) -> None:
    """After a check, also the configs are what Cobalt says; those that this attempt wrote are known."""
    read_configs(job, known={row["config_id"] for table, row in job.rows if table.name == "configs"})


# --- the mirror's row -------------------------------------------------------------------------------------------------


def _found(job: Job, accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> None:
    """Note what is connected; what never was connected gets no row."""
    if accounts or job.connection is not None:
        row = connection_row(accounts, needs_reauth=needs_reauth)
        job.rows.append((connections, {"linked_account_id": job.account_id, "slug": job.slug, **row}))
        job.connection = row


def connection_row(accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> dict[str, Any]:
    """A connection as the mirror holds it: connected only while every account of it works."""
    expired = needs_reauth or any(one.status != "active" for one in accounts)
    status = "disconnected" if not accounts else "reauth_required" if expired else "connected"
    return {
        "status": status,
        "accounts": [
            {
                "identifier": one.identifier,
                "auth_type": one.auth_type,
                "connected_at": stored_time(one.connected_at),
                "status": one.status,
            }
            for one in accounts
        ],
        "connected_at": max((one.connected_at for one in accounts if one.connected_at), default=None),
    }
