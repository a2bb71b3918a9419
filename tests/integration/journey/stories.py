"""Random stories of a few customers, and a stage on which they are delivered in any way a test likes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from sqlalchemy import Connection

from cobalt_mirror.cobalt.sandbox import Fault, Sandbox
from cobalt_mirror.db import tables
from cobalt_mirror.db.log import record_events
from cobalt_mirror.events import (
    ConfigChanged,
    ConfigRemoved,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserSignedUp,
)
from cobalt_mirror.events.publish import publish_with
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

    def depends_on_late_news(self) -> bool:
        """Whether only an authorisation that comes after a removal tells that something was connected after it.

        The auth types of an application share the time at which it was first connected. Without a stamp, what was
        connected beside something older seems to be renewed, unless that authorisation is known; see decision 6.
        """
        events = [planned.event for planned in self.events]
        authorized = [event for event in events if isinstance(event, ConnectionAuthorized)]
        return any(
            self._is_joined(event)
            and any(
                other.linked_account_id == event.linked_account_id
                and other.slug == event.slug
                and other.occurred_at >= event.occurred_at
                for other in authorized
            )
            for planned in self.events
            if not planned.is_stamped and isinstance(event := planned.event, ConnectionRemoved)
        )

    def _is_joined(self, removal: ConnectionRemoved) -> bool:
        """Whether something was connected before a removal, and something else after it."""
        place = (removal.linked_account_id, removal.slug)
        times = [BASE + timedelta(seconds=each.second) for each in self.consents if (each.account, each.slug) == place]
        return any(moment <= removal.occurred_at for moment in times) and any(
            moment > removal.occurred_at for moment in times
        )


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
    if kind == 3:
        return Planned(ConfigRemoved(account, draw(slugs), config_id=draw(config_ids), **common), False)
    if kind in {4, 5}:
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
    story = Story(allowed, events, [batch for batch in batches if batch], draw(st.booleans()))
    assume(not story.depends_on_late_news())
    return story


def sweep(world: World) -> None:
    """Empty every table of a world on SQLite, without the ceremonies of a statement each."""
    with world.engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        for table in tables.metadata.tables.values():
            raw.execute(f"DELETE FROM {table.name}")


def keep_place(connection: Connection, event: Event) -> None:
    """Number an event by its place in the story, as if it had been inserted there, whenever it is delivered."""
    place = int(event.id.removeprefix("e")) + 1
    connection.execute(tables.events.update().where(tables.events.c.id == event.id).values(number=place))


def _undisturbed(work: Callable[[], None]) -> bool:
    work()
    return True


class Stage:
    """One world that is swept clean between two performances.

    Attributes:
        world: the world.
        faults: what is wrong with Cobalt's answers from when a story's events are delivered on.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: Sequence[Fault] = ()
        self._stamps: dict[tuple[str, str], list[dict[str, Any]]] = {}

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
        self.set_up(story)
        patience = timedelta(seconds=20)
        work = partial(world.work_until_quiet, patience=patience) if story.lets_time_pass else world.work
        for batch in batches:
            for number in batch:
                self.publish(story.events[number])
            through(work)
        while not through(world.work_until_quiet):
            pass
        assert world.rows("events", status="pending") == []
        return world.mirror(), world.truth()

    def set_up(self, story: Story) -> None:
        """Sweep the stage, and have the story's consents given."""
        world = self.world
        sweep(world)
        settings_now = world.sandbox.settings
        world.sandbox.reset()
        world.sandbox.change_settings(**settings_now.model_dump())
        for account in ACCOUNTS:
            world.client.upsert_account(account)
        for consent in sorted(story.consents, key=lambda consent: consent.second):
            world.clock.stop_at(BASE + timedelta(seconds=consent.second))
            world.sandbox.connect(consent.account, consent.slug, auth_type=consent.auth_type, identifier="someone")
        world.clock.resume()
        if settings_now.stale_reads:  # a delivery begins when all reads show the consents
            world.client.fetch_accounts()
            world.clock.pass_time(settings_now.stale_seconds)
        world.sandbox.add_faults(*self.faults)
        self._stamps = _shown_by(world.sandbox)

    def publish(self, planned: Planned, *, at: datetime | None = None) -> None:
        """Publish one event, or publish it again.

        Args:
            planned: the event.
            at: what the database's clock shows. None: what it really shows.
        """
        event, world = planned.event, self.world
        with world.engine.begin() as connection:
            if isinstance(event, ConnectionRemoved):
                is_new = self._publish_removal(connection, event, is_stamped=planned.is_stamped)
            else:
                (receipt,) = publish_with(world.settings.vault(), [event], connection)
                is_new = receipt.is_new
            keep_place(connection, event)
            if is_new and at is not None:
                ours = tables.events.c.id == event.id
                connection.execute(tables.events.update().where(ours).values(recorded_at=at, due_at=at))

    def _publish_removal(self, connection: Connection, event: ConnectionRemoved, *, is_stamped: bool) -> bool:
        """What `publish` does, with the stamp that the story wants."""
        row = {
            "source": event.source,
            "id": event.id,
            "type": event.type,
            "linked_account_id": event.linked_account_id,
            "slug": event.slug,
            "payload": event.payload(),
            "occurred_at": event.occurred_at,
            "meant_for": self._stamps.get((event.linked_account_id, event.slug), []) if is_stamped else [],
        }
        return bool(record_events(connection, [row]))


def _shown_by(sandbox: Sandbox) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What a mirror that is in step shows of every connection."""
    return {
        (row["linked_account_id"], row["slug"]): [
            {**one, "connected_at": one["connected_at"].replace("Z", "000Z")} for one in row["accounts"]
        ]
        for row in sandbox.state()["connections"]
    }
