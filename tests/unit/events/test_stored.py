"""What is read back out of a row of the log, also one that was inserted by hand."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import EventType, InvalidEvent
from cobalt_mirror.events.stored import read_entry
from cobalt_mirror.events.types import CLOCK_TOLERANCE
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, logged

KEY, NO_KEYS = Vault((Fernet.generate_key(),)), Vault(())
SIGN_UP, CHANGE = EventType.USER_SIGNED_UP, EventType.CONFIG_CHANGED

#: The row, and what the event says.
READ = [
    pytest.param(logged(SIGN_UP, "a"), {}, id="an empty sign-up"),
    pytest.param(logged(SIGN_UP, "a", slug=""), {}, id="a sign-up with an empty slug"),
    pytest.param(logged(SIGN_UP, "a", payload={"name": "Acme"}), {"name": "Acme"}, id="a sign-up"),
    pytest.param(logged(SIGN_UP, "a", payload={"had_credentials": True}), {}, id="one that had credentials"),
    pytest.param(
        logged(SIGN_UP, "a", payload={"name": "Acme", "sealed": KEY.seal({"auth_credentials": {"a": "b"}})}),
        {"name": "Acme", "auth_credentials": {"a": "b"}},
        id="one with sealed credentials",
    ),
    pytest.param(logged(EventType.USER_DELETED, "a"), {}, id="a deletion"),
    pytest.param(
        logged(CHANGE, "a", payload={"fields": {"x": None}}), {"fields": {"x": None}, "workflows": []}, id="a change"
    ),
    pytest.param(
        logged(EventType.CONNECTION_REMOVED, "a", payload={"auth_type": "x"}), {"auth_type": "x"}, id="a removal"
    ),
    pytest.param(logged(EventType.CONNECTION_AUTHORIZED, "a"), {}, id="an authorisation"),
    pytest.param(logged(EventType.CONFIG_REMOVED, "a"), {}, id="a removal of the config with the account's id"),
    pytest.param(
        logged(EventType.CONFIG_REMOVED, "a", payload={"config_id": "two", "connection_id": "c1"}),
        {"config_id": "two", "connection_id": "c1"},
        id="a removal of one config of one connection",
    ),
    pytest.param(
        logged(EventType.CONNECTION_AUTHORIZED, "a", payload={"connection_id": "c1"}),
        {"connection_id": "c1"},
        id="an authorisation of one connection",
    ),
    pytest.param(
        logged(EventType.CONNECTION_REMOVED, "a", payload={"connection_id": None}),
        {},
        id="a removal of none in particular",
    ),
    pytest.param(
        logged(CHANGE, "a", payload={"connection_id": "c1", "sealed": KEY.seal({"fields": {"x": 1}, "workflows": []})}),
        {"connection_id": "c1", "fields": {"x": 1}, "workflows": []},
        id="a sealed change of one connection's config",
    ),
]


@pytest.mark.parametrize(("row", "payload"), READ)
def test_an_event_is_read_out_of_its_row(row: LoggedEvent, payload: dict[str, Any]) -> None:
    entry = read_entry(row, KEY)

    assert entry.event.payload() == payload
    assert (entry.event.id, entry.event.source, entry.event.linked_account_id) == ("a", "host", ACCOUNT)
    assert entry.event.type == row.type
    assert entry.event.subject_slug() == (row.slug or None)
    assert entry.order == row.order == (NOON, 0, NOON, "a", "host")


def test_no_type_of_event_is_missing_from_the_table() -> None:
    assert {row.values[0].type for row in READ if isinstance(row.values[0], LoggedEvent)} == set(EventType)


AHEAD = NOON + CLOCK_TOLERANCE


@pytest.mark.parametrize(
    ("occurred_at", "is_read"),
    [
        pytest.param(NOON - timedelta(days=400), True, id="long before it was recorded"),
        pytest.param(NOON, True, id="when it was recorded"),
        pytest.param(AHEAD - MICROSECOND, True, id="just within five minutes after"),
        pytest.param(AHEAD, True, id="five minutes after"),
        pytest.param(AHEAD + MICROSECOND, False, id="more than five minutes after"),
    ],
)
def test_a_row_cannot_be_far_ahead_of_the_moment_in_which_it_was_recorded(occurred_at: Any, is_read: bool) -> None:
    row = logged(SIGN_UP, "a", occurred_at=occurred_at, recorded_at=NOON)
    if is_read:
        assert read_entry(row, NO_KEYS).logged is row
        return
    with pytest.raises(InvalidEvent, match=r"occurred_at: .*clock"):
        read_entry(row, NO_KEYS)


#: The row, and what is wrong with it.
BROKEN = [
    pytest.param(logged("unheard_of", "a"), "type: 'unheard_of' is not one of user_signed_up, ", id="no such type"),
    pytest.param(logged("x" * 99, "a"), f"type: '{'x' * 50}' is", id="a long type is cut"),
    pytest.param(logged(SIGN_UP, "a", payload=[]), "payload: must be a JSON object", id="a list"),
    pytest.param(logged(SIGN_UP, "a", payload="text"), "payload: must be a JSON object", id="a text"),
    pytest.param(logged(SIGN_UP, "a", payload={"id": "b"}), "payload.id: must not be in the payload", id="an id"),
    pytest.param(
        logged(SIGN_UP, "a", payload={"source": "b"}), "payload.source: must not be in the payload", id="a source"
    ),
    pytest.param(
        logged(SIGN_UP, "a", payload={"occurred_at": "b"}),
        "payload.occurred_at: must not be in the payload",
        id="a time",
    ),
    pytest.param(logged(SIGN_UP, "a", payload={"linked_account_id": "b"}), "payload.linked_acc", id="an account"),
    pytest.param(logged(CHANGE, "a", payload={"slug": "b"}), "payload.slug: must not be in the payload", id="a slug"),
    pytest.param(
        logged(CHANGE, "a", payload={"slug": "b", "id": "c"}),
        "payload.id: must not be in the payload",
        id="the first by name is told",
    ),
    pytest.param(logged(SIGN_UP, "a", payload={"nmae": "b"}), "nmae", id="no such field"),
    pytest.param(logged(SIGN_UP, "a", payload={"name": 7}), "name", id="a field of a wrong type"),
    pytest.param(logged(CHANGE, "a", slug=None), "slug", id="a change without a slug"),
    pytest.param(logged(SIGN_UP, "a", slug=SLUG), "slug", id="a sign-up with a slug"),
    pytest.param(logged(CHANGE, "a", payload={"connection_id": ""}), "connection_id: ", id="an empty connection"),
    pytest.param(logged(CHANGE, "a", payload={"connection_id": 7}), "connection_id: ", id="a connection by number"),
    pytest.param(
        logged(SIGN_UP, "a", payload={"connection_id": "c1"}),
        "connection_id: user_signed_up has no such field",
        id="a sign-up of a connection",
    ),
]


@pytest.mark.parametrize(("row", "words"), BROKEN)
def test_a_row_that_breaks_a_rule_is_refused(row: LoggedEvent, words: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read_entry(row, NO_KEYS)

    assert words in str(refused.value)


def test_what_is_sealed_needs_its_key() -> None:
    row = logged(SIGN_UP, "a", payload={"sealed": KEY.seal({"name": "Acme"})})
    with pytest.raises(CannotUnseal):
        read_entry(row, NO_KEYS)
