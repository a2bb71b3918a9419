"""What the page shows of each application: a card, made of what the mirror knows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cobalt_mirror.db import integrations, list_configs, list_connections, list_events
from cobalt_mirror.db.reads.events import EventState
from cobalt_mirror.db.reads.integrations import Integration, State
from cobalt_mirror.db.statuses import ConfigStatus, EventStatus, Move

#: How many of the latest events are looked at for what is pending.
_EVENTS = 100
#: How the address of an icon may begin; others are not shown.
_ICONS = ("https://", "data:image/")
_OAUTH = "oauth2"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInput:
    """One thing that a customer types in to connect an application, such as a key."""

    name: str
    label: str
    placeholder: str = ""
    is_secret: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to connect an application, and what the customer types in for it."""

    auth_type: str
    inputs: Sequence[KeyInput] = ()

    @property
    def opens_window(self) -> bool:
        """Return whether the customer consents in a window of the application."""
        return self.auth_type == _OAUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One connected account of an application; `connection_id` is empty unless the application holds several."""

    connection_id: str
    name: str | None
    auth_type: str | None
    is_expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One application as its customer sees it.

    Attributes:
        icon: The address of the vendor's icon, if it is one that a browser may show.
        ways: How it can be connected.
        is_pending: Whether something that the customer did is still being carried out.
        problem: Why the last thing that the customer did could not be carried out; None: it was.
        faults: How many settings the customer has to correct.
    """

    slug: str
    name: str
    icon: str | None
    description: str | None
    state: State
    ways: Sequence[Way]
    links: Sequence[Link]
    is_pending: bool
    problem: str | None
    faults: int

    @property
    def key(self) -> str:
        """Return a name for the card's elements: a slug may hold what an id in HTML may not."""
        return hashlib.sha256(self.slug.encode()).hexdigest()[:12]

    @property
    def holds_several(self) -> bool:
        """Return whether each connection has an id of its own."""
        return any(link.connection_id for link in self.links)

    @property
    def offers(self) -> Sequence[Way]:
        """Return the ways that are offered: where it has expired, those in which it was connected."""
        if self.holds_several or self.state is State.CONNECT:
            return self.ways
        if self.state is State.CONNECTED:
            return []
        expired = {link.auth_type for link in self.links if link.is_expired}
        return [way for way in self.ways if way.auth_type in expired] or self.ways

    @property
    def verb(self) -> str:
        """Return what is offered."""
        if self.holds_several:
            return "Connect another"
        return "Reconnect" if self.state is State.RECONNECT else "Connect"

    def way_of(self, link: Link) -> Way | None:
        """Return the way in which an account was connected; None: it is offered no more."""
        return next((way for way in self.ways if way.auth_type == link.auth_type), None)


def read_cards(connection: Connection, linked_account_id: str) -> list[Card]:
    """Read the cards of a customer, by the names of the applications."""
    links = {
        each.slug: [_link(one) for one in each.accounts or []]
        for each in list_connections(connection, linked_account_id)
    }
    faults: dict[str, int] = {}
    for config in list_configs(connection, linked_account_id):
        if config.status is ConfigStatus.INSTALLED:
            faults[config.slug] = faults.get(config.slug, 0) + len(config.field_errors)
    latest = _latest(list_events(connection, linked_account_id, limit=_EVENTS))
    return [
        make_card(each, links.get(each.slug, []), latest.get(each.slug, []), faults=faults.get(each.slug, 0))
        for each in integrations(connection, linked_account_id)
    ]


def make_card(integration: Integration, links: Sequence[Link], events: Sequence[EventState], *, faults: int) -> Card:
    """Make the card of an application.

    Args:
        integration: the application as the customer sees it.
        links: what is connected.
        events: the latest events about it, newest first.
        faults: how many of its settings have to be corrected.
    """
    is_connected = integration.state is not State.CONNECT
    return Card(
        slug=integration.slug,
        name=integration.name,
        icon=integration.icon if (integration.icon or "").startswith(_ICONS) else None,
        description=integration.description,
        state=integration.state,
        ways=[_way(each) for each in integration.auth_types],
        links=links if is_connected else (),
        is_pending=any(event.status is EventStatus.PENDING for event in events),
        problem=find_problem(events),
        faults=faults if is_connected else 0,
    )


def find_problem(events: Sequence[EventState]) -> str | None:
    """Find why the latest event could not be carried out, in Cobalt's words if the customer has to correct it."""
    if not events or events[0].status is not EventStatus.DEAD:
        return None
    message = (events[0].last_response or {}).get("message")
    if events[0].move is Move.CUSTOMER and isinstance(message, str) and message:
        return message
    return "Please try again later."


def _way(auth_type: Mapping[str, Any]) -> Way:
    inputs = [
        _key_input(each) for each in auth_type.get("inputs") or () if isinstance(each, Mapping) and each.get("name")
    ]
    return Way(auth_type=str(auth_type["auth_type"]), inputs=inputs)


def _key_input(described: Mapping[str, Any]) -> KeyInput:
    return KeyInput(
        name=str(described["name"]),
        label=str(described.get("label") or described["name"]),
        placeholder=str(described.get("placeholder") or ""),
        is_secret=described.get("type") == "password",
        is_required=described.get("required", True) is not False,
    )


def _latest(events: Sequence[EventState]) -> dict[str, list[EventState]]:
    latest: dict[str, list[EventState]] = {}
    for event in events:
        if event.slug is not None:
            latest.setdefault(event.slug, []).append(event)
    return latest


def _link(account: Mapping[str, Any]) -> Link:
    auth_type = account.get("auth_type")
    return Link(
        connection_id=str(account.get("connection_id") or ""),
        name=name_of(account),
        auth_type=None if auth_type is None else str(auth_type),
        is_expired=account.get("status") == "expired",
    )


def name_of(account: Mapping[str, Any]) -> str | None:
    """Return what a connected account is called: its identifier is a text, an object or null."""
    identifier = account.get("identifier")
    if isinstance(identifier, Mapping):
        named = (identifier.get(name) for name in ("name", "email", "username", "id"))
        identifier = next((each for each in named if isinstance(each, str) and each), None)
    return identifier if isinstance(identifier, str) and identifier else None
