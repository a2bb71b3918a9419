"""What is done about the configs of one connection, in an order in which nothing undoes what is newer.

First `plan`, then `remove_configs`, then what authorisations want (`authorizing.authorize`), then `make_configs`.
"""

from collections.abc import Sequence

from cobalt_mirror.cobalt import ConnectedAccount, Refused
from cobalt_mirror.events import ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.accounts import with_account
from cobalt_mirror.workers.handlers.authorizing import configs_of
from cobalt_mirror.workers.handlers.config_plans import ConfigPlan, config_events, is_removal, may_create, plan_configs
from cobalt_mirror.workers.handlers.configs import came_to_be, change_config, change_configs, remove_config
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import Patch, config_key_of, has_content
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.naming import Names
from cobalt_mirror.workers.outcomes import Outcome, Verdict, outcome_of, superseded

_REMOVED = "a later config_removed made this event unnecessary"


def depends_on_connected(loaded: Loaded, entries: Sequence[Entry]) -> bool:
    """Whether only a read tells what is to be made anew: a config is removed late, after a newer authorisation."""
    authorized = [entry.order for entry in loaded.done if isinstance(entry.event, ConnectionAuthorized)]
    return any(is_removal(entry) and order > entry.order for entry in entries for order in authorized)


def plan(
    loaded: Loaded,
    *,
    entries: Sequence[Entry],
    names: Names,
    accounts: Sequence[ConnectedAccount] = (),
    renewed_since: Entry | None = None,
) -> list[ConfigPlan]:
    """Plan what is done about configs.

    Args:
        loaded: the subject.
        entries: the changes and removals of configs that wait, each with its connection.
        names: the connections that they can mean.
        accounts: what is connected.
        renewed_since: the removal of the connection that took the configs along, if one did.
    """

    def named(events: Sequence[Entry]) -> list[Entry]:
        return [entry for event in events if (entry := names.complete(event)) is not None]

    refused = named([entry for entry in loaded.ended if came_to_be(entry)])
    made = [(entry.order, config_key_of(entry, loaded.account_id)) for entry in refused]
    authorized = [entry.order for entry in loaded.done if isinstance(entry.event, ConnectionAuthorized)]
    return plan_configs(
        entries,
        named(config_events(loaded.done)),
        [*made, *((order, key) for order in authorized for key in configs_of(loaded, accounts))],
        account=loaded.account_id,
        deleted_at=None if renewed_since is None else renewed_since.order,
    )


def remove_configs(cobalt: Caller, findings: Findings, plans: Sequence[ConfigPlan]) -> None:
    """Delete the configs that are removed, and end what that makes needless."""
    for each in plans:
        if each.removal is not None:
            try:
                remove_config(cobalt, findings, each.key)
            except Refused as error:
                if error.status == 409:  # another write was under way: later
                    raise
                findings.finish([each.removal], outcome_of(error, each.removal.event.type))
                continue  # so what came before it is due still, and stands
        if findings.account is None and any(map(may_create, each.moot)):  # in order, those had the account made
            account = with_account(cobalt, findings, cobalt.fetch_account)
            findings.found_account(account, environment=cobalt.environment)
        findings.finish(each.moot, superseded(_REMOVED))


def make_configs(loaded: Loaded, cobalt: Caller, findings: Findings, plans: Sequence[ConfigPlan]) -> None:
    """Carry out the changes. What was removed goes into new configs, also what was done already after the removal."""
    for each in plans:
        outcome = Outcome(verdict=Verdict.DONE)
        try:
            if each.must_exist and not any(map(has_content, each.changes)):
                change_config(cobalt, findings, each.key, Patch())
        except Refused as error:
            if error.status == 409:
                raise
            outcome = Outcome(verdict=Verdict.DONE, detail=f"the config was not made anew: {error}")
        change_configs(loaded, cobalt, findings, entries=each.changes, later=each.later)
        if each.removal is not None and each.removal.logged.key not in findings.outcomes:
            findings.finish([each.removal], outcome)
