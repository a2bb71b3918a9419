"""What a removal is to a connected account: a renewed token is not a new connection."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.workers.handlers.identity import NEWS, Evidence, Judgement, Link, judge, may_have_news
from tests.unit.entries import MICROSECOND, at, authorized, changed, removed
from tests.unit.handlers.links import link, moment, stamp

OTHER, MEANT, RENEWED, NEWER, UNCLEAR = (
    Judgement.OTHER,
    Judgement.MEANT,
    Judgement.RENEWED,
    Judgement.NEWER,
    Judgement.UNCLEAR,
)


def test_every_judgement_is_in_a_table() -> None:
    assert {OTHER, MEANT, RENEWED, NEWER, UNCLEAR} == set(Judgement)


# --- what it names, and when it was connected -------------------------------------------------------------------------

#: When the account was connected, as seen from the removal.
CONNECTED = {
    "never known": None,
    "a microsecond before": -MICROSECOND,
    "in the same moment": timedelta(),
    "a microsecond after": MICROSECOND,
}
#: What the removal names. The account's own auth type is oauth2, its id c1.
NAMED: dict[str, dict[str, str]] = {
    "any": {},
    "its auth type": {"auth_type": "oauth2"},
    "another auth type": {"auth_type": "keybased"},
    "its id": {"connection_id": "c1"},
    "another id": {"connection_id": "c2"},
    "its auth type and id": {"auth_type": "oauth2", "connection_id": "c1"},
    "its auth type and another id": {"auth_type": "oauth2", "connection_id": "c2"},
    "another auth type and its id": {"auth_type": "keybased", "connection_id": "c1"},
}
#: For each: of an account without an id, and of one with it; each by when it was connected.
NEVER, BY_TIME = [OTHER] * 4, [MEANT, MEANT, MEANT, UNCLEAR]
#: What the host names by its id was there.
BY_ID = [MEANT, MEANT, MEANT, RENEWED]
NAMES = [
    ("any", BY_TIME, BY_TIME),
    ("its auth type", BY_TIME, BY_TIME),
    ("another auth type", NEVER, NEVER),
    ("its id", NEVER, BY_ID),
    ("another id", NEVER, NEVER),
    ("its auth type and id", NEVER, BY_ID),
    ("its auth type and another id", NEVER, NEVER),
    ("another auth type and its id", NEVER, NEVER),
]


@pytest.mark.parametrize(("named", "plain", "with_id"), NAMES, ids=[row[0] for row in NAMES])
def test_a_removal_means_what_it_names_and_what_was_connected_no_later(
    named: str, plain: list[Judgement], with_id: list[Judgement]
) -> None:
    removal = removed("r", 0, **NAMED[named])
    times = [None if distance is None else stored_time(at(0) + distance) for distance in CONNECTED.values()]

    assert [judge(removal, Link("oauth2", time), Evidence()) for time in times] == plain
    assert [judge(removal, Link("oauth2", time, "c1"), Evidence()) for time in times] == with_id


def test_no_name_is_missing_from_the_table() -> None:
    assert [row[0] for row in NAMES] == list(NAMED)


def test_only_a_removal_removes() -> None:
    for entry in (authorized("a"), changed("c")):
        assert judge(entry, link(None), Evidence()) is OTHER


# --- what moved after the removal, and no news of why -----------------------------------------------------------------

#: The removal is of half a second after noon. What it may mean moved in second 5.
AT, MOVED = 0.5, 5.5


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An account whose `connectedAt` moved, another one of the same application, and stamps with them."""

    its_id: str | None = None
    other_id: str | None = None
    other_type: str = "keybased"
    old_form: Link = field(default_factory=lambda: link(-60, connection_id="c9"))

    def it(self, second: float = MOVED) -> Link:
        return link(second, connection_id=self.its_id)

    def other(self, second: float = -60) -> Link:
        return link(second, self.other_type, self.other_id)

    def stamps(self) -> dict[str, Any]:
        return {
            "none": None,
            "empty": [],
            "it": stamp(self.it()),
            "it, earlier": stamp(self.it(-60)),
            "it, earlier, by a clock that is ahead": stamp(self.it(2)),
            "it, earlier, among others": stamp(self.other(), self.it(-60)),
            "others": stamp(self.other()),
            "of the other form": stamp(self.old_form),
        }


#: An application with one connection for each auth type, and one with several that have ids.
KINDS = {
    "without ids": Kind(),
    "with ids": Kind(its_id="c1", other_id="c2", other_type="oauth2", old_form=link(-60)),
}

#: What the account's own answer says of when the application was connected.
ACCOUNT: dict[str, dict[str, Any]] = {
    "not read": {},
    "it does not say": {"is_account_read": True},
    "before the removal": {"is_account_read": True, "created_at": moment(-60)},
    "in the moment of the removal": {"is_account_read": True, "created_at": moment(AT)},
    "after the removal": {"is_account_read": True, "created_at": moment(1)},
    "in the moment of the stamp's time": {"is_account_read": True, "created_at": moment(2)},
    "after the stamp's time": {"is_account_read": True, "created_at": moment(3)},
}
BY_REMOVAL = [UNCLEAR, RENEWED, RENEWED, RENEWED, NEWER, NEWER, NEWER]
BY_STAMP = [UNCLEAR, RENEWED, RENEWED, RENEWED, RENEWED, RENEWED, NEWER]

#: The kind of the application, and what is stamped; what the removal is then, by what the account's answer says.
UNTOLD = [
    ("without ids", "none", BY_REMOVAL),
    ("without ids", "empty", BY_REMOVAL),
    ("without ids", "it", [MEANT] * 7),
    ("without ids", "it, earlier", BY_REMOVAL),
    ("without ids", "it, earlier, by a clock that is ahead", BY_STAMP),
    ("without ids", "it, earlier, among others", BY_REMOVAL),
    ("without ids", "others", [NEWER] * 7),
    ("without ids", "of the other form", BY_REMOVAL),
    ("with ids", "none", BY_REMOVAL),
    ("with ids", "empty", BY_REMOVAL),
    ("with ids", "it", [MEANT] * 7),
    ("with ids", "it, earlier", [RENEWED] * 7),
    ("with ids", "it, earlier, by a clock that is ahead", [RENEWED] * 7),
    ("with ids", "it, earlier, among others", [RENEWED] * 7),
    ("with ids", "others", [NEWER] * 7),
    ("with ids", "of the other form", BY_REMOVAL),
]


@pytest.mark.parametrize(("kind", "stamped", "expected"), UNTOLD, ids=[f"{row[0]}: {row[1]}" for row in UNTOLD])
def test_without_news_identity_decides(kind: str, stamped: str, expected: list[Judgement]) -> None:
    removal = removed("r", AT, meant_for=KINDS[kind].stamps()[stamped])
    it = KINDS[kind].it()

    assert [judge(removal, it, Evidence(shown=[it], **account)) for account in ACCOUNT.values()] == expected


def test_no_stamp_is_missing_from_the_table() -> None:
    assert [row[:2] for row in UNTOLD] == list(product(KINDS, Kind().stamps()))
    assert all(len(row[2]) == len(ACCOUNT) for row in UNTOLD)
    assert all(kind.stamps().keys() == Kind().stamps().keys() for kind in KINDS.values())


# --- it was disconnected for this removal already ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("second", [-1.0, MOVED], ids=["by its time it is older", "by its time it is newer"])
def test_what_was_disconnected_and_is_connected_again_is_newer(kind: Kind, second: float) -> None:
    effect = {"total": False, "disconnected": stamp(kind.it(-60))}
    again, plain = removed("r", AT, effect=effect), removed("r", AT, meant_for=stamp(kind.it(second)))
    gone = Evidence(gone=[kind.it(-60)])

    assert judge(again, kind.it(second), Evidence()) is NEWER
    assert judge(plain, kind.it(second), gone) is NEWER
    assert judge(again, kind.it(-60), gone) is MEANT  # a read that is late shows the same one
    assert judge(again, kind.other(), gone) is MEANT
    assert judge(plain, kind.it(second), Evidence()) is MEANT


# --- a stamp by any hand ----------------------------------------------------------------------------------------------

LATER = link(1)
CREATED = Evidence(shown=[LATER], is_account_read=True, created_at=moment(1))


@pytest.mark.parametrize(
    ("meant_for", "expected"),
    [
        pytest.param(None, NEWER, id="not stamped"),
        pytest.param([], NEWER, id="stamped with nothing"),
        pytest.param(stamp(LATER), MEANT, id="stamped with it"),
        pytest.param(stamp(LATER, link(2)), MEANT, id="stamped with it first"),
        pytest.param(stamp(link(2), LATER), MEANT, id="stamped with it last"),
        pytest.param([{**LATER.as_json(), "connection_id": "c-1"}], MEANT, id="stamped with it and more about it"),
        pytest.param([None, "oauth2", 7, [], *stamp(LATER)], MEANT, id="stamped with it among what is no account"),
        pytest.param([None, "oauth2", 7, []], NEWER, id="a list of what is no account"),
        pytest.param([{}], NEWER, id="an account without anything"),
        pytest.param([{"auth_type": "oauth2"}], NEWER, id="an account without a time"),
        pytest.param([{"connected_at": LATER.connected_at}], NEWER, id="an account without an auth type"),
        pytest.param([{"auth_type": "oauth2", "connected_at": 7}], NEWER, id="an account with a time that is none"),
        pytest.param(
            [{"auth_type": "oauth2", "connected_at": 7, "connection_id": {}}], NEWER, id="an account with an id of none"
        ),
        pytest.param(LATER.as_json(), NEWER, id="no list"),
        pytest.param({"oauth2": LATER.as_json()}, NEWER, id="an object"),
        pytest.param(LATER.connected_at, NEWER, id="a text"),
        pytest.param(7, NEWER, id="a number"),
        pytest.param(True, NEWER, id="a truth"),
    ],
)
def test_a_stamp_counts_as_far_as_it_can_be_read(meant_for: object, expected: Judgement) -> None:
    assert judge(removed("r", 0, meant_for=meant_for), LATER, CREATED) is expected


# --- news that may be on its way --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(None, False, id="no time is known"),
        pytest.param(-NEWS, True, id="in the future, by Cobalt's clock"),
        pytest.param(timedelta(), True, id="now"),
        pytest.param(NEWS - MICROSECOND, True, id="just under thirty seconds ago"),
        pytest.param(NEWS, False, id="thirty seconds ago"),
        pytest.param(NEWS + MICROSECOND, False, id="more than thirty seconds ago"),
    ],
)
def test_news_of_what_moved_just_now_may_be_on_its_way(age: timedelta | None, expected: bool) -> None:
    assert timedelta(seconds=30) == NEWS
    account = Link("oauth2", None if age is None else stored_time(at(100) - age))
    assert may_have_news(account, now=at(100)) is expected
