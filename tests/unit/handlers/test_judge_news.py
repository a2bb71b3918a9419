"""News of a reconnection: which connected account it is of, when the removal came before it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import product
from typing import Any

import pytest

from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.identity import Evidence, Judgement, Link, judge
from tests.unit.entries import at, authorized, removed
from tests.unit.handlers.links import link, moment
from tests.unit.handlers.test_judge import AT, KINDS, MOVED, Kind

#: What is connected beside the account that moved.
COMPANY: dict[str, Callable[[Kind], list[Link]]] = {
    "alone": lambda _kind: [],
    "one that did not move": lambda kind: [kind.other()],
    "one that moved": lambda kind: [kind.other(4.2)],
    "one that moved in the same second": lambda kind: [kind.other(MOVED + 0.1)],
}

Told = tuple[Sequence[Entry], Sequence[datetime]]


def news_of(kind: Kind) -> dict[str, Told]:
    """All that can be told, as authorisations and notifications."""
    own_type, other_type = kind.it().auth_type, "basic"
    its_id, other_id = kind.its_id or "c1", "c7"
    return {
        "nothing": ([], []),
        "authorised before": ([authorized("a", AT - 0.1)], []),
        "authorised in the same moment, with a lower id": ([authorized("a", AT)], []),
        "authorised in the same moment, with a higher id": ([authorized("s", AT)], []),
        "authorised": ([authorized("a", 9)], []),
        "authorised and done": ([authorized("a", 9, status="done")], []),
        "authorised by its auth type": ([authorized("a", 9, auth_type=own_type)], []),
        "authorised by another auth type": ([authorized("a", 9, auth_type=other_type)], []),
        "authorised by its id": ([authorized("a", 9, connection_id=its_id)], []),
        "authorised by another id": ([authorized("a", 9, connection_id=other_id)], []),
        "notified before": ([], [at(-1)]),
        "notified in the second of the removal": ([], [at(0)]),
        "notified before the stamp's time": ([], [at(1)]),
        "notified in its second": ([], [at(5)]),
        "notified in another second": ([], [at(7)]),
        "notified before, and in its second": ([], [at(-1), at(5)]),
    }


ANY = {
    "authorised in the same moment, with a higher id",
    "authorised",
    "authorised and done",
    "notified before the stamp's time",
    "notified in another second",
}
ITS = {"notified in its second", "notified before, and in its second"}
#: News that is surely of it, and news that may be of it or of another: the auth type tells them apart, or else the id.
SURE = {
    "without ids": ITS | {"authorised by its auth type"},
    "with ids": ITS | {"authorised by its id"},
}
MAY_BE = {
    "without ids": SURE["without ids"] | ANY,
    "with ids": SURE["with ids"] | ANY | {"authorised by its auth type"},
}

#: What is stamped, what is connected beside it; the news by which it is newer: all that may be of it, or all that is
#: surely of it. Where the stamp decides, news changes nothing.
NEWER_BY = [
    ("none", "alone", "may be"),
    ("none", "one that did not move", "may be"),
    ("none", "one that moved", "may be"),
    ("none", "one that moved in the same second", "may be"),
    ("empty", "alone", "may be"),
    ("empty", "one that did not move", "may be"),
    ("empty", "one that moved", "may be"),
    ("empty", "one that moved in the same second", "may be"),
    ("it", "alone", "never"),
    ("it", "one that did not move", "never"),
    ("it", "one that moved", "never"),
    ("it", "one that moved in the same second", "never"),
    ("it, earlier", "alone", "may be"),
    ("it, earlier", "one that did not move", "may be"),
    ("it, earlier", "one that moved", "sure"),
    ("it, earlier", "one that moved in the same second", "sure"),
    ("it, earlier, by a clock that is ahead", "alone", "may be, but not before the stamp's time"),
    ("it, earlier, by a clock that is ahead", "one that did not move", "may be, but not before the stamp's time"),
    ("it, earlier, by a clock that is ahead", "one that moved", "sure"),
    ("it, earlier, by a clock that is ahead", "one that moved in the same second", "sure"),
    ("it, earlier, among others", "alone", "may be"),
    ("it, earlier, among others", "one that did not move", "may be"),
    ("it, earlier, among others", "one that moved", "may be"),
    ("it, earlier, among others", "one that moved in the same second", "may be"),
    ("others", "alone", "always"),
    ("others", "one that did not move", "always"),
    ("others", "one that moved", "always"),
    ("others", "one that moved in the same second", "always"),
    ("of the other form", "alone", "may be"),
    ("of the other form", "one that did not move", "may be"),
    ("of the other form", "one that moved", "may be"),
    ("of the other form", "one that moved in the same second", "may be"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("stamped", "company", "by"), NEWER_BY, ids=[f"{stamped}; {company}" for stamped, company, _ in NEWER_BY]
)
def test_news_of_a_reconnection_shows_that_it_is_newer(kind: str, stamped: str, company: str, by: str) -> None:
    it, news = KINDS[kind].it(), news_of(KINDS[kind])
    removal = removed("r", AT, meant_for=KINDS[kind].stamps()[stamped])
    shown = [*COMPANY[company](KINDS[kind]), it]
    judged = {name: judge(removal, it, evidence(shown, told)) for name, told in news.items()}

    decisive = {
        "may be": MAY_BE[kind],
        "may be, but not before the stamp's time": MAY_BE[kind] - {"notified before the stamp's time"},
        "sure": SURE[kind],
        "never": set(),
        "always": news.keys(),
    }
    otherwise = Judgement.MEANT if by == "never" else Judgement.RENEWED
    assert {name for name, judgement in judged.items() if judgement is Judgement.NEWER} == decisive[by]
    assert {judgement for judgement in judged.values() if judgement is not Judgement.NEWER} <= {otherwise}


def evidence(shown: Sequence[Link], told: Told) -> Evidence:
    """What is told, with an account that was connected long ago."""
    authorizations, notified_at = told
    return Evidence(
        shown=shown,
        authorizations=authorizations,
        notified_at=notified_at,
        is_account_read=True,
        created_at=moment(-60),
    )


def test_no_combination_is_missing_from_the_table() -> None:
    assert [row[:2] for row in NEWER_BY] == list(product(Kind().stamps(), COMPANY))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_notification_is_of_what_was_connected_in_its_second(kind: Kind) -> None:
    removal, other = removed("r", AT), kind.other(4.2)
    of_the_other = evidence([kind.it(), other], ([], [at(4)]))

    assert judge(removal, kind.it(), of_the_other) is Judgement.RENEWED
    assert judge(removal, other, of_the_other) is Judgement.NEWER
    assert judge(removal, kind.it(), evidence([kind.it(), other], ([], [at(4), at(5)]))) is Judgement.NEWER


def test_news_that_names_an_auth_type_is_of_the_new_one_of_that_type() -> None:
    old, new, other = (link(5, connection_id="c1"), link(6, connection_id="c3"), link(6, "keybased", "c4"))
    removal = removed("r", AT, meant_for=[link(-60, connection_id="c1").as_json()])

    def judged(account: Link, *shown: Link, auth_type: str | None = None) -> Judgement:
        told = [authorized("a", 9, auth_type=auth_type)]
        return judge(removal, account, evidence([account, *shown], (told, [])))

    assert judged(old, new, auth_type="oauth2") is Judgement.RENEWED
    assert judged(old, other, auth_type="oauth2") is Judgement.NEWER
    assert judged(old, other) is Judgement.RENEWED


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_notification_is_of_what_the_host_says_was_authorised(kind: Kind) -> None:
    other = kind.other(4.2)
    names: dict[str, Any] = (
        {"connection_id": other.connection_id} if other.connection_id else {"auth_type": other.auth_type}
    )
    removal = removed("r", AT, meant_for=[kind.it(-60).as_json(), kind.other(-60).as_json()])
    told = [authorized("a", 9, **names)]

    assert judge(removal, other, evidence([kind.it(), other], (told, [at(3)]))) is Judgement.NEWER
    assert judge(removal, kind.it(), evidence([kind.it(), other], (told, [at(3)]))) is Judgement.RENEWED
    assert judge(removal, kind.it(), evidence([kind.it(), other], ([], [at(3)]))) is Judgement.NEWER
    assert judge(removal, kind.it(), evidence([kind.it(), other], (told, [at(3), at(5)]))) is Judgement.NEWER
