"""Which connected accounts a removal is meant for: those made no later, and those that the mirror showed then."""

from datetime import timedelta
from itertools import product

import pytest

from cobalt_mirror.workers.handlers.removals import Link, is_meant, link_of
from tests.unit.entries import MICROSECOND, at, authorized, removed
from tests.unit.handlers.links import link, stamp

#: When the account was connected, as seen from the removal.
CONNECTED = {
    "never known": None,
    "a microsecond before": -MICROSECOND,
    "in the same moment": timedelta(),
    "a microsecond after": MICROSECOND,
}
#: The auth type that the removal names; the account's own is oauth2.
NAMED = {"any": None, "its own": "oauth2", "another": "keybased"}
#: What the mirror showed when the removal was published.
SHOWN = ("it", "nothing", "another time", "another auth type")

EVER, NEVER, ONLY_IT = frozenset(SHOWN), frozenset[str](), frozenset({"it"})

#: When the account was connected, what the removal names, and what the mirror must have shown for it to be meant.
MEANT = [
    ("never known", "any", EVER),
    ("never known", "its own", EVER),
    ("never known", "another", NEVER),
    ("a microsecond before", "any", EVER),
    ("a microsecond before", "its own", EVER),
    ("a microsecond before", "another", NEVER),
    ("in the same moment", "any", EVER),
    ("in the same moment", "its own", EVER),
    ("in the same moment", "another", NEVER),
    ("a microsecond after", "any", ONLY_IT),
    ("a microsecond after", "its own", ONLY_IT),
    ("a microsecond after", "another", NEVER),
]


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize(("connected", "named", "meant"), MEANT, ids=[f"{row[0]}, {row[1]}" for row in MEANT])
def test_a_removal_means_what_was_made_no_later_and_what_the_mirror_showed(
    connected: str, named: str, meant: frozenset[str], shown: str
) -> None:
    distance = CONNECTED[connected]
    account = link_of("oauth2", None if distance is None else at(0) + distance)
    stamps = {
        "it": stamp(link(5, "keybased"), account),
        "nothing": [],
        "another time": stamp(link(9)),
        "another auth type": stamp(Link("keybased", account.connected_at)),
    }
    removal = removed("r", 0, auth_type=NAMED[named], meant_for=stamps[shown])

    assert is_meant(removal, account) is (shown in meant)


def test_no_combination_is_missing_from_the_table() -> None:
    assert [row[:2] for row in MEANT] == list(product(CONNECTED, NAMED))


NEWER = link(1)


@pytest.mark.parametrize(
    ("meant_for", "expected"),
    [
        pytest.param(None, False, id="not stamped"),
        pytest.param([], False, id="stamped with nothing"),
        pytest.param(stamp(NEWER), True, id="stamped with it"),
        pytest.param(stamp(NEWER, link(2)), True, id="stamped with it first"),
        pytest.param(stamp(link(2), NEWER), True, id="stamped with it last"),
        pytest.param([{**NEWER.as_json(), "connection_id": "c-1"}], True, id="stamped with it and more about it"),
        pytest.param([None, "oauth2", 7, [], *stamp(NEWER)], True, id="stamped with it among what is no account"),
        pytest.param([None, "oauth2", 7, []], False, id="a list of what is no account"),
        pytest.param([{}], False, id="an account without anything"),
        pytest.param([{"auth_type": "oauth2"}], False, id="an account without a time"),
        pytest.param([{"connected_at": NEWER.connected_at}], False, id="an account without an auth type"),
        pytest.param([{"auth_type": "oauth2", "connected_at": 7}], False, id="an account with a time that is none"),
        pytest.param(NEWER.as_json(), False, id="no list"),
        pytest.param({"oauth2": NEWER.as_json()}, False, id="an object"),
        pytest.param(NEWER.connected_at, False, id="a text"),
        pytest.param(7, False, id="a number"),
        pytest.param(True, False, id="a truth"),
    ],
)
def test_a_stamp_counts_as_far_as_it_can_be_read(meant_for: object, expected: bool) -> None:
    assert is_meant(removed("r", 0, meant_for=meant_for), NEWER) is expected


def test_only_a_removal_removes() -> None:
    assert not is_meant(authorized("a", 0), link(None))
