"""Whether an authorisation shows at Cobalt, and the config that a connection gets with it."""

from collections.abc import Sequence

from cobalt_mirror.cobalt import ConnectedAccount, Refused
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import Unseen
from cobalt_mirror.events import ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.configs import change_config
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch, config_key_of
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import not_yet
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict

NOT_SHOWN = Outcome(verdict=Verdict.DONE, detail="Cobalt shows no such connection", unseen=Unseen.CONNECTION)


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
        entry.logged.key: DONE if _is_shown(entry, accounts) else not_yet(entry.logged, loaded.now, at_last=NOT_SHOWN)
        for entry in entries
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
