"""What is done about one connection: read it, disconnect what was meant, see authorisations, change its configs."""

from collections.abc import Callable, Sequence
from functools import partial

from cobalt_mirror.cobalt import Application, UnexpectedAnswer, UnknownAccount, UnknownApplication
from cobalt_mirror.db.statuses import AccountStatus, Unseen
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.accounts import believe_or_wait, call_known, look_for_account, with_account
from cobalt_mirror.workers.handlers.authorizing import authorize
from cobalt_mirror.workers.handlers.configs import came_to_be, change_config, change_configs, read_configs
from cobalt_mirror.workers.handlers.disconnecting import REMOVED, Removed, removals_among, remove
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch, config_key_of
from cobalt_mirror.workers.handlers.identity import Evidence
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.naming import Names, must_be_read, name_changes
from cobalt_mirror.workers.handlers.reading import found_connected, is_contradicted, read_in_account, wait_for_expected
from cobalt_mirror.workers.handlers.removals import is_moot, plan_removals, taken_ids, was_total
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded


def handle_connection(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Carry out the pending events of a connection, or read it if only a check asks."""
    if _supersede_what_was_removed_later(loaded, findings) and findings.account is None:
        # in order, those events would have had the account made
        account = with_account(cobalt, findings, cobalt.fetch_account)
        findings.found_account(account, environment=cobalt.environment)
    entries = findings.waiting()
    if not entries and loaded.check is None:
        return
    removals = removals_among(entries)
    changes = _changes_among(entries)
    if len(entries) > len(changes) or loaded.check is not None or must_be_read(loaded, changes):
        application = _read(loaded, cobalt, findings, fetch=_reading(cobalt, findings))
        if application is None:
            return
        findings.looks_again = wait_for_expected(loaded, application)
        removed: Removed | None = Removed(accounts=application.connected_accounts)
        if removals:
            removed = remove(loaded, cobalt, findings, removals=removals, application=application)
        if removed is None:
            return
        _carry_out(loaded, cobalt, findings, application=application, removed=removed)
    else:
        _configure(loaded, cobalt, findings, changes=changes, names=Names())
    findings.finish([entry for entry in removals if entry.logged.key not in findings.outcomes])
    if loaded.check is not None and findings.looks_again is None:  # what this attempt wrote is known
        read_configs(cobalt, findings, known=findings.changed_configs())
    if findings.account is None:
        findings.want_check("", reason="the mirror has no row for this account yet")
    elif findings.account.status is AccountStatus.MISSING:
        findings.want_check("", reason="Cobalt has the account again")


def read_connection(loaded: Loaded, cobalt: Reader, findings: Findings) -> None:
    """Read a connection and its configs for their own sake."""
    if _read(loaded, cobalt, findings, fetch=partial(_fetch, cobalt, findings)) is not None:
        read_configs(cobalt, findings)


def _carry_out(
    loaded: Loaded, cobalt: Caller, findings: Findings, *, application: Application, removed: Removed
) -> None:
    """Carry out authorisations and changes on what the removals left."""
    taken = taken_ids(removals_among([*loaded.pending, *loaded.done]), findings.effects)
    names = Names.shown(application, removed.accounts, taken=taken)
    changes = name_changes(loaded, findings, _changes_among(findings.waiting()), names)
    waiting = [entry for entry in findings.waiting() if isinstance(entry.event, ConnectionAuthorized)]
    authorize(loaded, cobalt, findings, entries=waiting, accounts=removed.accounts, changes=changes)
    _configure(loaded, cobalt, findings, changes=changes, names=names, renewed_since=removed.renewed_since)


def _changes_among(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.event, ConfigChanged)]


def _supersede_what_was_removed_later(loaded: Loaded, findings: Findings) -> bool:
    """Keep removed what a later removal removed. Return whether there was such."""
    removed = [entry.order for entry in loaded.done if was_total(entry)]
    taken = taken_ids(removals_among(loaded.done), {})
    waiting = [entry for entry in findings.waiting() if not isinstance(entry.event, ConnectionRemoved)]
    late = [entry for entry in waiting if any(order > entry.order for order in removed) or is_moot(entry, taken=taken)]
    findings.finish(late, superseded(REMOVED))
    return bool(late)


def _reading(cobalt: Caller, findings: Findings) -> Callable[[], Application]:
    """Return how to read: what a host authorised or changed wants its account to exist, what it removed does not."""
    if any(not isinstance(entry.event, ConnectionRemoved) for entry in findings.waiting()):
        return partial(with_account, cobalt, findings, cobalt.fetch_application)
    return partial(_fetch, cobalt, findings)


def _fetch(cobalt: Reader, findings: Findings) -> Application:
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
    """Read what is connected now.

    Returns:
        None: the account does not exist and nothing here wants it to, or the application is not enabled and only a
        check asks.

    Raises:
        UnexpectedAnswer: Cobalt shows the connection in one answer, and not in another. Try again later.
    """
    try:
        application = fetch()
    except UnknownAccount:
        _without_account(loaded, findings)
        return None
    except UnknownApplication:
        if findings.waiting():
            raise
        read_in_account(loaded, cobalt.fetch_account(), findings)
        return None
    if not application.connected_accounts and is_contradicted(loaded, cobalt):
        raise UnexpectedAnswer("Cobalt shows the connection in one answer, and not in another")
    found_connected(findings, application.connected_accounts, needs_reauth=application.reauth_required)
    findings.seen |= {Unseen.APPLICATION, *([Unseen.CONNECTION] if application.connected_accounts else [])}
    return application


def _without_account(loaded: Loaded, findings: Findings) -> None:
    """Finish the removals of an account that Cobalt does not have; nothing but removals is left to wait.

    Raises:
        AccountDenied: the mirror has the account, so that is not believed yet.
    """
    if findings.account is not None and findings.account.status is AccountStatus.ACTIVE:
        believe_or_wait(findings)
    if findings.account is not None and findings.account.status is AccountStatus.MISSING:
        found_connected(findings, [])  # what it had is gone with it
        findings.configs_deleted()
    removals = findings.waiting()
    findings.effects.update(plan_removals(removals, removals_among(loaded.done), [], Evidence()).effects())
    findings.finish(removals, _NO_ACCOUNT)


_NO_ACCOUNT = Outcome(
    verdict=Verdict.DONE, detail="Cobalt has no such account, so there is nothing to remove", unseen=Unseen.ACCOUNT
)


def _configure(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    changes: Sequence[Entry],
    names: Names,
    renewed_since: Entry | None = None,
) -> None:
    """Carry out the changes. Where a removal took the configs along, what came after it goes into new ones, also what
    was done already: a removal that comes late must not undo what is newer."""
    done = [named for entry in _changes_among(loaded.done) if (named := names.complete(entry)) is not None]
    if renewed_since is None:
        change_configs(loaded, cobalt, findings, entries=changes, later=done)
        return
    newer = (entry for entry in done if entry.order > renewed_since.order)
    changes = sorted([*changes, *newer], key=lambda entry: entry.order)
    change_configs(loaded, cobalt, findings, entries=changes, later=[])
    refused = (
        named
        for entry in loaded.ended
        if came_to_be(entry) and entry.order > renewed_since.order and (named := names.complete(entry)) is not None
    )
    changed = {config_key_of(entry, loaded.account_id) for entry in changes}
    for key in sorted({config_key_of(entry, loaded.account_id) for entry in refused} - changed):
        change_config(cobalt, findings, key, Patch())
