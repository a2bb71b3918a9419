"""What a read of an application says of its connection, in the mirror's terms."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from cobalt_mirror.cobalt import AccountIntegration, Application, ConnectedAccount, LinkedAccount, UnexpectedAnswer
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.rows import ConnectionColumns, ConnectionRow
from cobalt_mirror.db.statuses import ConnectionStatus, Expected
from cobalt_mirror.workers.handlers.access import Reader
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.identity import link_of, read_links
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import FRESH, LOOKS, look_later, looks_soon, next_look_of_check
from cobalt_mirror.workers.slugs import CUSTOM, is_of

_CONTRADICTED = "Cobalt shows the connection in one answer, and not in another"


def found_connected(findings: Findings, accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> None:
    """Note what is connected; what never was connected gets no row."""
    if accounts or findings.connection is not None:
        findings.found_connection(connection_columns(accounts, needs_reauth=needs_reauth))


def read_in_account(loaded: Loaded, account: LinkedAccount, findings: Findings) -> None:
    """Note what the account's own answer says of a connection whose application is not enabled and cannot be read.

    It says whether it is connected and works, and nothing of its accounts and configs. Those stay as they are.
    """
    integrations = find_integrations(account, slug=loaded.slug, app_id=loaded.app_id)
    if integrations is None:
        return
    if not integrations:
        before = findings.connection
        found_connected(findings, [])
        if before is not None and before.status is not ConnectionStatus.DISCONNECTED:
            findings.configs_deleted()  # an application that was not connected may have configs all the same
        return
    needs_reauth = any(integration.reauth_required for integration in integrations)
    status = ConnectionStatus.REAUTH_REQUIRED if needs_reauth else ConnectionStatus.CONNECTED
    if findings.connection is None or findings.connection.status is not status:
        findings.found_connection({"status": status})


def find_integrations(account: LinkedAccount, *, slug: str, app_id: str | None) -> list[AccountIntegration] | None:
    """Find what an account's answer shows of an application.

    Args:
        account: the account as Cobalt shows it.
        slug: the application.
        app_id: its id in the catalogue; None: not known.

    Returns:
        None: it cannot be told, because the answer leaves the integrations out, or because it shows a custom
        application that may be this one.
    """
    if account.integrations is None:
        return None
    if slug == CUSTOM:  # no application has this slug; earlier versions recorded every custom one under it
        return []
    found = [each for each in account.integrations if is_of(each, slug=slug, app_id=app_id)]
    is_unclear = not found and app_id is None and any(each.type == CUSTOM for each in account.integrations)
    return None if is_unclear else found


def is_contradicted(loaded: Loaded, cobalt: Reader, application: Application) -> bool:
    """Tell whether another answer contradicts a read, which may be the older one of the two.

    The read counts at once if it shows an end that was notified or that the listing shows.
    """
    if loaded.connection is None:
        return False
    if loaded.connection.status is ConnectionStatus.DISCONNECTED:
        return _is_older(application, loaded.connection, now=loaded.now)
    is_expected = loaded.check is not None and loaded.check.expects is Expected.GONE
    if application.connected_accounts or is_expected:
        return False
    return bool(find_integrations(cobalt.fetch_account(), slug=loaded.slug, app_id=loaded.app_id))


def _is_older(application: Application, row: ConnectionRow, *, now: datetime) -> bool:
    """Tell whether a read shows only what was connected before the mirror learned a moment ago that nothing is."""
    times = [account.connected_at for account in application.connected_accounts]
    if not times or row.verified_at is None or now - row.verified_at >= FRESH:
        return False
    return all(moment is not None and moment <= row.verified_at for moment in times)


def wait_for_agreement(loaded: Loaded, findings: Findings) -> bool:
    """Have what two answers contradict each other about looked at again; False: it was often enough, the read counts.

    Raises:
        UnexpectedAnswer: Neither events nor a check asked for the read. Try again later.
    """
    waiting, check = [entry.logged for entry in findings.waiting()], loaded.check
    if not waiting and check is None:
        raise UnexpectedAnswer(_CONTRADICTED)
    later, delay = look_later(waiting, loaded.now, detail=_CONTRADICTED), next_look_of_check(check)
    if later is None or not (delay or any(looks_soon(event, loaded.now) for event in waiting)):
        return False
    findings.outcomes.update(later)
    if check is not None:
        findings.looks_again = delay or timedelta(seconds=LOOKS[-1])
    return True


def wait_for_expected(loaded: Loaded, application: Application | None) -> timedelta | None:
    """Return when to look again, because the read does not show what a check expects; None: it does, or never will."""
    check = loaded.check
    if check is None or _shows(application, check.expects, loaded.connection, now=loaded.now):
        return None
    return next_look_of_check(check)


def wait_for_application(loaded: Loaded) -> timedelta | None:
    """Return when a check looks again, because Cobalt denies the application; None: the catalogue, which is the second
    answer, has it as disabled, or it was looked at often enough.
    """
    return None if loaded.is_listed is False else next_look_of_check(loaded.check)


def _shows(
    application: Application | None, expects: Expected | None, before: ConnectionRow | None, *, now: datetime
) -> bool:
    """Tell whether a read shows what a notification said. Of several connected accounts, one is enough, if it is not
    what the mirror has shown for a while.

    Args:
        application: the read; None: Cobalt does not show the application, or not the account.
        expects: what it should show; None: nothing in particular.
        before: the mirror's row before the read.
        now: the time.
    """
    if application is None:
        return expects in {None, Expected.GONE}
    accounts = application.connected_accounts
    mirrored = [] if before is None else list(before.accounts or ())
    match expects:
        case None:
            return True
        case Expected.CONNECTED:
            working = read_links([row for row in mirrored if row.get("status") == "active"])
            active = [account for account in accounts if account.status == "active"]
            return any(link_of(each) not in working or _is_recent(each, now) for each in active)
        case Expected.REAUTH_REQUIRED:
            expired = sum(account.status != "active" for account in accounts)
            known = sum(row.get("status") != "active" for row in mirrored)
            if not expired:
                return application.reauth_required
            return expired > known or expired == len(accounts)
        case Expected.GONE:
            return not accounts or (before is not None and len(accounts) < len(before.accounts or ()))
    assert_never(expects)


def _is_recent(account: ConnectedAccount, now: datetime) -> bool:
    """Tell whether an account was connected just now, so that the mirror may have learned of it before it was told."""
    return account.connected_at is None or now - account.connected_at < FRESH


def connection_columns(accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> ConnectionColumns:
    """Return a connection as the mirror holds it: connected only while every account of it works."""
    expired = needs_reauth or any(account.status != "active" for account in accounts)
    if not accounts:
        status = ConnectionStatus.DISCONNECTED
    else:
        status = ConnectionStatus.REAUTH_REQUIRED if expired else ConnectionStatus.CONNECTED
    return {
        "status": status,
        "accounts": [_account(account) for account in accounts],
        "connected_at": max((account.connected_at for account in accounts if account.connected_at), default=None),
    }


def _account(account: ConnectedAccount) -> dict[str, Any]:
    plain = {
        "identifier": account.identifier,
        "auth_type": account.auth_type,
        "connected_at": stored_time(account.connected_at),
        "status": account.status,
    }
    if account.connection_id is None:
        return plain
    return {
        **plain,
        "connection_id": account.connection_id,
        "auth_profile_id": account.auth_profile_id,
        "auth_profile_name": account.auth_profile_name,
        "user_defined_fields": account.user_defined_fields,
    }
