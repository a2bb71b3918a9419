"""Whether an authorisation shows at Cobalt, and the config that a connection gets with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cobalt_mirror.cobalt import ConnectedAccount, Refused
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.events import ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.configs import change_config
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch, config_key_of
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict

#: When what Cobalt does not show yet is looked at again, in seconds after the look before.
LOOKS = (2.0, 3.0, 10.0)
#: An authorisation of this age is believed to have failed when Cobalt does not show it.
FRESH = timedelta(seconds=30)


def authorize(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    entries: Sequence[Entry],
    accounts: Sequence[ConnectedAccount],
    changes: Sequence[Entry],
) -> None:
    """See which authorisations show. Whatever is connected gets its config, also if the authorised account is not (any
    more) among it: whether a removal of one account came before or after must make no difference.

    Args:
        loaded: the subject.
        cobalt: the right to call.
        findings: what to change.
        entries: the authorisations.
        accounts: what is connected.
        changes: the changes of configs that this attempt will carry out: they find their configs themselves.
    """
    outcomes = {
        entry.logged.key: DONE if _is_shown(entry, accounts) else not_yet(entry.logged, loaded.now) for entry in entries
    }
    ended = any(outcome.verdict is Verdict.DONE for outcome in outcomes.values())
    try:
        if accounts and ended and loaded.settings.find_config_on_authorization:
            _find_configs(loaded, cobalt, findings, accounts=accounts, changes=changes)
    except Refused as error:  # the connection stands all the same
        without = Outcome(verdict=Verdict.DONE, detail=f"connected, but without a config: {error}")
        outcomes = {key: without if outcome is DONE else outcome for key, outcome in outcomes.items()}
    findings.outcomes.update(outcomes)


def _is_shown(entry: Entry, accounts: Sequence[ConnectedAccount]) -> bool:
    event = entry.event
    if not isinstance(event, ConnectionAuthorized):
        return False
    return any(
        account.status == "active"
        and event.auth_type in {None, account.auth_type}
        and event.connection_id in {None, account.connection_id}
        for account in accounts
    )


def not_yet(event: LoggedEvent, now: datetime) -> Outcome:
    """Decide about an event whose connection Cobalt does not show: look again a few times before that is believed."""
    is_early = event.due_at is not None and event.due_at > now  # another event brought us here
    is_old = now - event.recorded_at >= FRESH
    if is_early and not is_old:
        return Outcome(verdict=Verdict.SNOOZE, delay=None)
    if is_old or event.looks >= len(LOOKS):
        return Outcome(verdict=Verdict.DONE, detail="Cobalt shows no such connection")
    delay = timedelta(seconds=LOOKS[event.looks])
    return Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=True, detail="Cobalt does not show the connection yet")


def _find_configs(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    accounts: Sequence[ConnectedAccount],
    changes: Sequence[Entry],
) -> None:
    """Have the config that bears the account's id, for each connection, unless the mirror shows it or a waiting change
    will find it."""
    wanted = dict.fromkeys(ConfigKey(loaded.account_id, account.connection_id or "") for account in accounts)
    known = {row.key for row in findings.configs} | {config_key_of(entry, loaded.account_id) for entry in changes}
    refused = None
    for key in wanted:
        try:
            if key not in known:
                change_config(cobalt, findings, key, Patch())
        except Refused as error:  # of one connection, which leaves the others alone
            refused = error
    if refused is not None:
        raise refused
