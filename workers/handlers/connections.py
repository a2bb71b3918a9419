"""What is done about one connection: read it, disconnect what was meant, see authorisations, change its configs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from cobalt_mirror.cobalt import Application, UnknownAccount, UnknownApplication
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, Unseen
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.accounts import believe_or_wait, call_known, look_for_account, with_account
from cobalt_mirror.workers.handlers.authorizing import authorize
from cobalt_mirror.workers.handlers.config_plans import config_events, may_create
from cobalt_mirror.workers.handlers.config_reads import read_configs
from cobalt_mirror.workers.handlers.configuring import depends_on_connected, make_configs, plan, remove_configs
from cobalt_mirror.workers.handlers.disconnecting import REMOVED, Removed, removals_among, remove
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.identity import Evidence
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.naming import Names, must_be_read, name_changes
from cobalt_mirror.workers.handlers.reading import (
    found_connected,
    is_contradicted,
    read_in_account,
    wait_for_agreement,
    wait_for_application,
    wait_for_expected,
)
from cobalt_mirror.workers.handlers.recreation import read_if_made_anew
from cobalt_mirror.workers.handlers.removals import is_moot, plan_removals, taken_ids, was_total
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded


def handle_connection(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Carry out the pending events of a connection, or read it if only a check asks."""
    if _supersede_what_was_removed_later(loaded, findings) and findings.account is None:
        # in order, those events would have had the account made
        findings.found_account(with_account(cobalt, findings, cobalt.fetch_account), environment=cobalt.environment)
    entries = findings.waiting()
    if not entries and loaded.check is None:
        return
    removals = removals_among(entries)
    changes = config_events(entries)
    is_read = loaded.check is not None or must_be_read(loaded, changes) or depends_on_connected(loaded, changes)
    if len(entries) > len(changes) or is_read:
        application = _read(loaded, cobalt, findings, fetch=partial(_fetch, cobalt, findings))
        if application is None:
            return
        account = call_known(partial(read_if_made_anew, loaded, cobalt, findings, application))
        if application.connected_accounts and loaded.connection is not None and loaded.connection.accounts is None:
            findings.want_check(loaded.slug, reason="it was adopted from a listing, and its configs were never read")
        _note(findings, application)
        findings.looks_again = wait_for_expected(loaded, application)
        removed: Removed | None = Removed(accounts=application.connected_accounts)
        if removals:
            removed = remove(loaded, cobalt, findings, removals=removals, application=application, account=account)
        if removed is None:
            return
        _carry_out(loaded, cobalt, findings, application=application, removed=removed)
    elif not _configure(loaded, cobalt, findings, changes):
        return
    findings.finish([entry for entry in removals if entry.logged.key not in findings.outcomes])
    if loaded.check is not None and findings.looks_again is None:  # what this attempt wrote is known
        row = findings.connection  # Cobalt deletes the configs with the connection
        has_ended = row is not None and row.status is ConnectionStatus.DISCONNECTED
        read_configs(cobalt, findings, known=findings.changed_configs(), is_expected=has_ended)
    _have_account_read(findings)


def _have_account_read(findings: Findings) -> None:
    """Want the account read if Cobalt has just answered for it and the mirror does not show it."""
    if findings.account is None:
        findings.want_check("", reason="the mirror has no row for this account yet")
    elif findings.account.status is AccountStatus.MISSING:
        findings.want_check("", reason="Cobalt has the account again")


def read_connection(loaded: Loaded, cobalt: Reader, findings: Findings) -> None:
    """Read a connection and its configs for their own sake."""
    application = _read(loaded, cobalt, findings, fetch=partial(_fetch_known, cobalt, findings))
    if application is not None:
        _note(findings, application)
        read_configs(cobalt, findings, is_expected=True)  # a dry run reads once


def _carry_out(
    loaded: Loaded, cobalt: Caller, findings: Findings, *, application: Application, removed: Removed
) -> None:
    """Carry out authorisations and changes on what the removals left."""
    taken = taken_ids(removals_among([*loaded.pending, *loaded.done]), findings.effects)
    names = Names.shown(application, removed.accounts, taken=taken)
    entries = name_changes(loaded, findings, config_events(findings.waiting()), names)
    plans = plan(loaded, entries=entries, names=names, accounts=removed.accounts, renewed_since=removed.renewed_since)
    remove_configs(cobalt, findings, plans)
    waiting = [entry for entry in findings.waiting() if isinstance(entry.event, ConnectionAuthorized)]
    authorize(loaded, cobalt, findings, entries=waiting, accounts=removed.accounts, plans=plans)
    make_configs(loaded, cobalt, findings, plans)


def _configure(loaded: Loaded, cobalt: Caller, findings: Findings, entries: Sequence[Entry]) -> bool:
    """Carry out changes and removals of configs of the only connection, without reading it.

    Returns:
        False: Cobalt does not know the account, and nothing here wants it to exist.
    """
    plans = plan(loaded, entries=entries, names=Names())
    try:
        remove_configs(cobalt, findings, plans)
        make_configs(loaded, cobalt, findings, plans)
    except UnknownAccount:
        if any(map(may_create, loaded.pending)) or look_for_account(cobalt, findings):
            raise
        _without_account(loaded, findings)
        return False
    return True


def _supersede_what_was_removed_later(loaded: Loaded, findings: Findings) -> bool:
    """Keep removed what a later removal removed. Return whether that would have had the account made."""
    removed = [entry.order for entry in loaded.done if was_total(entry)]
    taken = taken_ids(removals_among(loaded.done), {})
    waiting = [entry for entry in findings.waiting() if not isinstance(entry.event, ConnectionRemoved)]
    late = [entry for entry in waiting if any(order > entry.order for order in removed) or is_moot(entry, taken=taken)]
    findings.finish(late, superseded(REMOVED))
    return any(map(may_create, late))


def _fetch(cobalt: Caller, findings: Findings) -> Application:
    """Read the application: what a host authorised or changed wants its account to exist, what it removed does not."""
    if any(map(may_create, findings.waiting())):
        return with_account(cobalt, findings, cobalt.fetch_application)
    return _fetch_known(cobalt, findings)


def _fetch_known(cobalt: Reader, findings: Findings) -> Application:
    """Read the application; an account that this answer does not know is looked for by itself."""
    try:
        application = cobalt.fetch_application()
    except UnknownAccount:
        if not look_for_account(cobalt, findings):
            raise
        return call_known(cobalt.fetch_application)
    findings.is_denied = False
    return application


def _read(
    loaded: Loaded, cobalt: Reader, findings: Findings, *, fetch: Callable[[], Application]
) -> Application | None:
    """Read what is connected now. Nothing of it is noted: first comes what tells by the mirror's row as it was.

    Returns:
        None: the account does not exist and nothing here wants it to, the application is not enabled and only a
        check asks, or two answers contradict each other and what asked looks again.

    Raises:
        UnexpectedAnswer: Two answers contradict each other, and neither events nor a check asked. Try again later.
    """
    try:
        application = fetch()
    except UnknownAccount:
        _without_account(loaded, findings)
        findings.looks_again = wait_for_expected(loaded, None)
        return None
    except UnknownApplication:
        if findings.waiting():
            raise
        findings.looks_again = wait_for_expected(loaded, None) or wait_for_application(loaded)
        if findings.looks_again is None:
            read_in_account(loaded, cobalt.fetch_account(), findings)
        return None
    if is_contradicted(loaded, cobalt, application) and wait_for_agreement(loaded, findings):
        return None
    return application


def _note(findings: Findings, application: Application) -> None:
    """Note what a read shows."""
    found_connected(findings, application.connected_accounts, needs_reauth=application.reauth_required)
    findings.seen |= {Unseen.APPLICATION, *([Unseen.CONNECTION] if application.connected_accounts else [])}


def _without_account(loaded: Loaded, findings: Findings) -> None:
    """Finish the events of an account that Cobalt does not have: removals, and changes that only want a read.

    Raises:
        AccountDenied: the mirror has the account, so that is not believed yet.
    """
    if findings.account is not None and findings.account.status is AccountStatus.ACTIVE:
        believe_or_wait(findings)
    if findings.account is not None and findings.account.status is AccountStatus.MISSING:
        found_connected(findings, [])  # what it had is gone with it
        findings.configs_deleted()
    removals = removals_among(findings.waiting())
    findings.effects.update(plan_removals(removals, removals_among(loaded.done), [], Evidence()).effects())
    findings.finish(removals, _NO_ACCOUNT)
    findings.finish(findings.waiting(), replace(_NO_ACCOUNT, unseen=None))  # else a later config would be removed


_NO_ACCOUNT = Outcome(
    verdict=Verdict.DONE,
    detail="Cobalt has no such account, so there is nothing to read or remove",
    unseen=Unseen.ACCOUNT,
)
