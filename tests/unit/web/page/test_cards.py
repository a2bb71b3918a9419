"""What a card says of an application: decided from what the mirror shows and from the latest events."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cobalt_mirror.db.reads.events import EventState
from cobalt_mirror.db.reads.integrations import Integration, State
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.web.page.cards import Card, KeyInput, Link, find_problem, make_card, name_of

OAUTH: dict[str, Any] = {"auth_type": "oauth2", "inputs": []}
KEY: dict[str, Any] = {"auth_type": "keybased", "inputs": [{"name": "api_key", "label": "API key"}]}
LATER = "Please try again later."


def event(status: EventStatus, *, move: Move | None = None, message: object = None) -> EventState:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return EventState(
        source="host",
        id="1",
        type="config_changed",
        linked_account_id="acme",
        slug="slack",
        occurred_at=moment,
        recorded_at=moment,
        status=status,
        attempts=1,
        due_at=moment,
        last_error=None,
        last_response=None if message is None else {"message": message},
        move=move,
        detail=None,
    )


def link(auth_type: str = "oauth2", *, expired: bool = False, connection_id: str = "") -> Link:
    return Link(connection_id=connection_id, name=None, auth_type=auth_type, is_expired=expired)


def card(state: State, *links: Link, events: tuple[EventState, ...] = (), **values: Any) -> Card:
    defaults: dict[str, Any] = {
        "slug": "hubspot",
        "name": "HubSpot",
        "icon": "https://icons.example/hubspot.png",
        "description": None,
        "tags": [],
        "auth_types": [OAUTH, KEY],
        "connected": 0,
        "needs_attention": 0,
        "connected_at": None,
        "verified_at": None,
    }
    return make_card(Integration(state=state, **{**defaults, **values}), links, events, faults=2)


@pytest.mark.parametrize(
    ("state", "links", "ways"),
    [
        (State.CONNECT, [], ["oauth2", "keybased"]),
        (State.CONNECT, [link(expired=True)], ["oauth2", "keybased"]),
        (State.CONNECTED, [link()], []),
        (State.CONNECTED, [link(connection_id="1")], ["oauth2", "keybased"]),
        (State.RECONNECT, [link(expired=True, connection_id="1")], ["oauth2", "keybased"]),
        (State.RECONNECT, [link(expired=True)], ["oauth2"]),
        (State.RECONNECT, [link(), link("keybased", expired=True)], ["keybased"]),
        (State.RECONNECT, [link(expired=True), link("keybased", expired=True)], ["oauth2", "keybased"]),
        (State.RECONNECT, [], ["oauth2", "keybased"]),
        (State.RECONNECT, [link("saml", expired=True)], ["oauth2", "keybased"]),
    ],
)
def test_what_is_offered(state: State, links: list[Link], ways: list[str]) -> None:
    assert [way.auth_type for way in card(state, *links).offers] == ways


@pytest.mark.parametrize(
    ("statuses", "pending"),
    [
        ([], False),
        ([EventStatus.DONE], False),
        ([EventStatus.PENDING], True),
        ([EventStatus.DONE, EventStatus.PENDING], True),  # the older one is retried
        ([EventStatus.DEAD, EventStatus.SUPERSEDED], False),
    ],
)
def test_a_card_is_pending_while_any_event_of_it_is(statuses: list[EventStatus], *, pending: bool) -> None:
    assert card(State.CONNECTED, events=tuple(map(event, statuses))).is_pending is pending


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([], None),
        ([event(EventStatus.DONE), event(EventStatus.DEAD)], None),
        ([event(EventStatus.DISCARDED)], None),
        ([event(EventStatus.DEAD), event(EventStatus.DONE)], LATER),
        ([event(EventStatus.DEAD, move=Move.CUSTOMER, message="channel: is gone")], "channel: is gone"),
        ([event(EventStatus.DEAD, move=Move.OPERATOR, message="the key is wrong")], LATER),
        ([event(EventStatus.DEAD, move=Move.PROVIDER, message="oops")], LATER),
        ([event(EventStatus.DEAD, move=Move.CUSTOMER, message="")], LATER),
        ([event(EventStatus.DEAD, move=Move.CUSTOMER, message={"a": 1})], LATER),
        ([event(EventStatus.DEAD, move=Move.CUSTOMER)], LATER),
    ],
)
def test_a_problem_is_told_until_something_newer_happens_and_in_cobalt_s_words_only_to_who_can_mend_it(
    events: list[EventState], problem: str | None
) -> None:
    assert find_problem(events) == problem


@pytest.mark.parametrize(
    ("icon", "shown"),
    [
        ("https://icons.example/a.png", True),
        ("data:image/svg+xml;utf8,<svg/>", True),
        ("http://icons.example/a.png", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("", False),
        (None, False),
    ],
)
def test_only_an_icon_that_is_safe_is_shown(icon: str | None, *, shown: bool) -> None:
    assert card(State.CONNECT, icon=icon).icon == (icon if shown else None)


def test_what_is_not_connected_has_no_links_and_no_faults() -> None:
    gone = card(State.CONNECT, link())

    assert (list(gone.links), gone.faults) == ([], 0)
    assert card(State.CONNECTED, link()).faults == 2


def test_an_application_holds_several_if_its_connections_have_ids() -> None:
    assert card(State.CONNECTED, link(connection_id="1")).holds_several
    assert not card(State.CONNECTED, link(), link("keybased")).holds_several


@pytest.mark.parametrize(
    ("described", "inputs"),
    [
        (None, []),
        ([], []),
        ([{"name": "a"}], [KeyInput(name="a", label="a")]),
        (
            [{"name": "a", "label": "A", "type": "password", "placeholder": "p", "required": False}],
            [KeyInput(name="a", label="A", placeholder="p", is_secret=True, is_required=False)],
        ),
        ([{"name": "a", "label": None, "required": None}, {"label": "no name"}, "b"], [KeyInput(name="a", label="a")]),
    ],
)
def test_what_a_customer_types_in(described: Any, inputs: list[KeyInput]) -> None:
    [way] = card(State.CONNECT, auth_types=[{"auth_type": "keybased", "inputs": described}]).ways

    assert list(way.inputs) == inputs


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("ann@acme.example", "ann@acme.example"),
        ({"id": "7", "email": "ann@acme.example"}, "ann@acme.example"),
        ({"name": "", "id": "7"}, "7"),
        ({"workspace": "x"}, None),
        ({"name": 7}, None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_what_a_connected_account_is_called(identifier: object, name: str | None) -> None:
    assert name_of({"identifier": identifier}) == name
