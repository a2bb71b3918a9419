"""Whether an authorisation shows at Cobalt, and the config that a connection gets with it."""

from collections.abc import Sequence

from cobalt_mirror.cobalt import ConnectedAccount, Refused
from cobalt_mirror.db.log import Order
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import Unseen
from cobalt_mirror.events import ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.config_plans import ConfigPlan
from cobalt_mirror.workers.handlers.configs import change_config
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch
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
    plans: Sequence[ConfigPlan],
) -> None:
    """See which authorisations show. Whatever is connected gets its config, also if the authorised account is not (any
    more) among it: whether a removal of one account came before or after must make no difference.

    Args:
        loaded: the subject.
        cobalt: the right to call.
        findings: what to change.
        entries: the authorisations.
        accounts: what is connected.
        plans: what this attempt does about configs: those that it makes need not be found here, and one that was
            removed after the last authorisation stays removed.
    """
    outcomes = {
        entry.logged.key: DONE if _is_shown(entry, accounts) else not_yet(entry.logged, loaded.now, at_last=NOT_SHOWN)
        for entry in entries
    }
    ended = [entry.order for entry in entries if outcomes[entry.logged.key].verdict is Verdict.DONE]
    try:
        if ended:
            _find_configs(loaded, cobalt, findings, accounts=accounts, plans=plans, authorized_at=max(ended))
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


def configs_of(loaded: Loaded, accounts: Sequence[ConnectedAccount]) -> list[ConfigKey]:
    """Return the configs that authorisations have made: for each connection, the one that bears the account's id."""
    if not loaded.settings.find_config_on_authorization:
        return []
    return list(dict.fromkeys(ConfigKey(loaded.account_id, account.connection_id or "") for account in accounts))


def _find_configs(
    loaded: Loaded,
    cobalt: Caller,
    findings: Findings,
    *,
    accounts: Sequence[ConnectedAccount],
    plans: Sequence[ConfigPlan],
    authorized_at: Order,
) -> None:
    """Have the configs of the connections, unless the mirror shows them, or a plan makes or has since removed them.

    If the connection is to be read anyway, the mirror may be wrong, and finding a config reads it.
    """
    read = findings.changed_configs()
    known = {row.key for row in findings.configs if loaded.check is None or row.key in read}
    known |= {plan.key for plan in plans if plan.creates}
    known |= {plan.key for plan in plans if plan.removed_at is not None and plan.removed_at > authorized_at}
    refused = None
    for key in configs_of(loaded, accounts):
        try:
            if key not in known:
                change_config(cobalt, findings, key, Patch())
        except Refused as error:  # of one connection, which leaves the others alone
            refused = error
    if refused is not None:
        raise refused
