"""Random stories of a few customers, and a stage on which they are delivered in any way a test likes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import text

from cobalt.sandbox import Sandbox
from db import tables
from events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from tests.world import World

ACCOUNTS = ("acme", "bolt/ω")
BASE = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Consent:
    account: str
    slug: str
    auth_type: str
    second: int


@dataclass(frozen=True)
class Planned:
    """An event, and whether the mirror showed the connection when it was published."""

    event: Event
    is_stamped: bool


@dataclass(frozen=True)
class Story:
    consents: list[Consent]
    events: list[Planned]
    #: Numbers of events, some twice, cut into batches.
    batches: list[list[int]]
    lets_time_pass: bool

    def is_refused(self, id_: str) -> bool:
        """Whether Cobalt refuses an event for good: the channel is a text."""
        event = self.events[int(id_.removeprefix("e"))].event
        return isinstance(event, ConfigChanged) and event.fields.get("channel") == 5


seconds = st.integers(min_value=-20, max_value=20)
accounts = st.sampled_from(ACCOUNTS)
slugs = st.sampled_from(["slack", "hubspot"])
auth_types = st.sampled_from([None, "oauth2", "keybased"])
config_ids = st.sampled_from([None, None, "second"])

FIELDS: dict[str, dict[str, list[Any]]] = {
    "slack": {"channel": ["general", "bogus", None, 5], "mention": ["@a", "@b", "", None]},
    "hubspot": {"pipeline": ["default", "enterprise", None], "lists": [["newsletter"], ["customers", "events"], None]},
}
WORKFLOWS: dict[str, list[Any]] = {
    "slack": [
        {"id": "slack_notify", "enabled": True},
        {"id": "slack_notify", "enabled": False, "fields": {"digest": True}},
        {"id": "slack_notify", "fields": {"template": "hello"}},
        {"id": "slack_notify", "fields": {"template": None}},
        {"id": "slack_welcome", "enabled": True},
    ],
    "hubspot": [{"id": "hubspot_sync_contacts", "enabled": True, "fields": {"direction": "both"}}],
}


@st.composite
def config_changes(draw: st.DrawFn, account: str, common: dict[str, Any]) -> ConfigChanged:
    slug = draw(slugs)
    fields = draw(st.fixed_dictionaries({}, optional={n: st.sampled_from(v) for n, v in FIELDS[slug].items()}))
    if 5 in fields.values():  # refused for good: alone in its event, or it would sink good values of its own
        fields = {"channel": 5}
        workflows: list[Any] = []
    else:
        workflows = draw(st.lists(st.sampled_from(WORKFLOWS[slug]), max_size=2))
    return ConfigChanged(account, slug, config_id=draw(config_ids), fields=fields, workflows=workflows, **common)


@st.composite
def planned_events(draw: st.DrawFn, number: int) -> Planned:
    account = draw(accounts)
    common: dict[str, Any] = {"id": f"e{number}", "occurred_at": BASE + timedelta(seconds=draw(seconds))}
    kind = draw(st.integers(min_value=0, max_value=9))
    if kind == 0:
        name = draw(st.sampled_from([None, "A", "B"]))
        udf = draw(st.sampled_from([None, {}, {"plan": "pro"}, {"plan": "free", "seats": "3"}]))
        return Planned(UserSignedUp(account, name=name, udf=udf, **common), False)
    if kind in {1, 2}:
        return Planned(ConnectionAuthorized(account, draw(slugs), auth_type=draw(auth_types), **common), False)
    if kind in {3, 4, 5}:
        event = ConnectionRemoved(account, draw(slugs), auth_type=draw(auth_types), **common)
        return Planned(event, draw(st.booleans()))
    return Planned(draw(config_changes(account, common)), False)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    consents = draw(
        st.lists(
            st.builds(
                Consent,
                accounts,
                slugs,
                st.sampled_from(["oauth2", "keybased"]),
                seconds,
            ),
            max_size=4,
            unique_by=lambda consent: (consent.account, consent.slug, consent.auth_type),
        )
    )
    size = draw(st.integers(min_value=1, max_value=8))
    events = [draw(planned_events(number)) for number in range(size)]
    again = draw(st.lists(st.integers(min_value=0, max_value=size - 1), max_size=3))
    order = draw(st.permutations([*range(size), *again]))
    cuts = sorted(draw(st.sets(st.integers(min_value=1, max_value=len(order)), max_size=4)))
    batches = [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    allowed = [c for c in consents if not (c.slug == "slack" and c.auth_type == "keybased")]
    return Story(allowed, events, [batch for batch in batches if batch], draw(st.booleans()))


def _undisturbed(work: Callable[[], None]) -> bool:
    work()
    return True


class Stage:
    """One world that is swept clean between two performances."""

    def __init__(self, world: World) -> None:
        self.world = world

    def perform_in_order(self, story: Story) -> tuple[dict[str, Any], dict[str, Any]]:
        """Once, sorted, one by one."""
        order = sorted(range(len(story.events)), key=lambda n: (story.events[n].event.occurred_at, f"e{n}"))
        return self.perform(story, [[number] for number in order])

    def perform(
        self, story: Story, batches: list[list[int]], *, through: Callable[[Callable[[], None]], bool] = _undisturbed
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Deliver the story.

        Args:
            story: what happens.
            batches: the numbers of its events, as they arrive.
            through: is handed the work on each batch, and the work at the end, and carries it out as far as it likes.
                It says whether all of it was done; at the end, it is asked until it was.
        """
        world = self.world
        self._sweep(story)
        stamps = self._stamps(world.sandbox)
        patience = timedelta(seconds=20)
        work = partial(world.work_until_quiet, patience=patience) if story.lets_time_pass else world.work
        for batch in batches:
            for number in batch:
                self._publish(story.events[number], stamps)
            through(work)
        while not through(world.work_until_quiet):
            pass
        assert world.rows("events", status="pending") == []
        return world.mirror(), world.truth()

    def _sweep(self, story: Story) -> None:
        world = self.world
        with world.engine.begin() as connection:
            for table in tables.metadata.tables.values():
                connection.execute(text(f"DELETE FROM {table.name}"))
        settings_now = world.sandbox.settings
        world.sandbox.reset()
        world.sandbox.change_settings(**settings_now.model_dump())
        for account in ACCOUNTS:
            world.client.upsert_account(account)
        for consent in sorted(story.consents, key=lambda consent: consent.second):
            world.clock.stand_at(BASE + timedelta(seconds=consent.second))
            world.sandbox.connect(consent.account, consent.slug, auth_type=consent.auth_type, identifier="someone")
        world.clock.move_on()

    @staticmethod
    def _stamps(sandbox: Sandbox) -> dict[tuple[str, str], list[dict[str, Any]]]:
        return {
            (row["linked_account_id"], row["slug"]): [
                {**one, "connected_at": one["connected_at"].replace("Z", "000Z")} for one in row["accounts"]
            ]
            for row in sandbox.state()["connections"]
        }

    def _publish(self, planned: Planned, stamps: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
        event = planned.event
        if not isinstance(event, ConnectionRemoved):
            self.world.publish(event)
            return
        stamp = stamps.get((event.linked_account_id, event.slug), []) if planned.is_stamped else []
        if not self.world.rows("events", id=event.id):
            self.world.insert_by_hand(
                id=event.id,
                type=event.type,
                linked_account_id=event.linked_account_id,
                slug=event.slug,
                payload=event.payload(),
                occurred_at=event.occurred_at,
                meant_for=stamp,
            )
