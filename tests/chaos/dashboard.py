"""The plan's changes at Cobalt that no event of the host tells of: by hand in the dashboard, and by Cobalt itself."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox import catalogue
from tests.chaos.options import Options
from tests.chaos.steps import ByHand, Publish

Journeys = Sequence[Publish | ByHand]


def plan_dashboard(options: Options, journeys: Journeys) -> Iterator[ByHand]:
    """Changes by hand, to accounts and connections that should be there by then."""
    chance = Random(f"{options.seed}/dashboard")
    consents = _consents(journeys)
    for _ in range(options.times(options.rates.dashboard)):
        at = chance.uniform(min(10, options.duration / 3), options.duration)
        there = [step for step in consents if step.at < at - 3][-40:]
        if there:
            yield _change(chance, at, chance.choice(there))


def plan_renewals(options: Options, journeys: Journeys) -> Iterator[ByHand]:
    """Renewals of tokens by Cobalt at any time; customers' removals bring more of them."""
    chance = Random(f"{options.seed}/renewals")
    consents = _consents(journeys)
    for _ in range(options.times(options.rates.renewals)):
        at = chance.uniform(3, options.duration)
        there = [step for step in consents if step.at < at - 1][-60:]
        if there:
            yield ByHand(at=at, action="renew_token", arguments=_link(chance.choice(there)))


def _consents(journeys: Journeys) -> list[ByHand]:
    consents = (step for step in journeys if isinstance(step, ByHand) and step.action == "connect")
    return sorted(consents, key=lambda step: step.at)


def _link(consent: ByHand) -> dict[str, Any]:
    """Return how a change names the connection that a consent made or authorized again."""
    names = ("linked_account_id", "slug", "connection_id")
    link = {name: consent.arguments[name] for name in names if name in consent.arguments}
    return {**link, "connection_id": consent.opens} if "auth_profile_id" in consent.arguments else link


def _change(chance: Random, at: float, consent: ByHand) -> ByHand:
    account = {"linked_account_id": consent.arguments["linked_account_id"]}
    link: Mapping[str, Any] = _link(consent)
    application = next(item for item in catalogue.whole_catalogue() if item.slug == link["slug"])
    texts = [item.id for item in application.fields if item.field_type == "text"]
    choices: list[tuple[str, dict[str, Any]]] = [
        ("rename_account", {**account, "name": f"renamed {chance.randint(1, 99)}"}),
        ("set_udf", {**account, "udf": {"plan": "by hand"}}),
        ("disconnect", {**link, "auth_type": consent.arguments["auth_type"]}),
        ("expire_connection", dict(link)),
        ("recover_connection", dict(link)),
        ("edit_config", {**link, "fields": {item: f"by hand {chance.randint(1, 99)}" for item in texts[:1]}}),
        ("delete_config", dict(link)),
        ("delete_account", account),
    ]
    action, arguments = chance.choices(choices, weights=(3, 2, 2, 3, 3, 3, 1, 1))[0]
    return ByHand(at=at, action=action, arguments=arguments)
