"""Which page of a listing comes next, when a walk ends, and what contradicts itself in a listing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cobalt_mirror.cobalt import AccountPage
from cobalt_mirror.workers.reconcile.paging import FEW, SPARE, Paging

#: Answers page `number` of a listing, asked for the nth time: the numbers of its accounts, and what it counts.
Listing = Callable[[int, int], dict[str, Any]]
LIMIT = 10


def honest(total: int) -> Listing:
    def answer(number: int, _asked: int) -> dict[str, Any]:
        return cut(range(total), number)

    return answer


def cut(accounts: Sequence[int], number: int) -> dict[str, Any]:
    start = (number - 1) * LIMIT
    docs = list(accounts[start : start + LIMIT])
    return {"docs": docs, "page": number, "total": len(accounts), "more": number * LIMIT < len(accounts)}


def lying(length: int, /, **lie: Any) -> Listing:
    """A listing of which each page lies, by what is given for it: a value, or a function of the page."""

    def answer(number: int, asked: int) -> dict[str, Any]:
        page = honest(length)(number, asked)
        return page | {name: what(page) if callable(what) else what for name, what in lie.items()}

    return answer


def shrinking(total: int, every: int = 1) -> Listing:
    """Loses the account that is listed first with each so many calls."""
    return lambda number, asked: cut(range((asked - 1) // every, total), number)


def walk(listing: Listing, **begin: Any) -> tuple[list[int], set[int], Paging]:
    """The pages that a walk asks for, and the accounts that it sees."""
    paging = Paging(page_size=LIMIT, **begin)
    number: int | None = paging.first
    pages: list[int] = []
    seen: set[int] = set()
    while number is not None:
        pages.append(number)
        assert len(pages) < 1_000, "the walk does not end"
        page = listing(number, len(pages))
        new = set(page["docs"]) - seen
        seen |= new
        number = paging.next(_page(page), requested=number, new=len(new))
    return pages, seen, paging


def _page(page: dict[str, Any]) -> AccountPage:
    docs = [{"_id": str(each), "linked_account_id": f"a{each}", "account_id": f"a{each}"} for each in page["docs"]]
    answer = {"docs": docs, "page": page["page"], "limit": page.get("limit", LIMIT)}
    return AccountPage.model_validate({**answer, "hasNextPage": page["more"], "totalDocs": page["total"]})


@pytest.mark.parametrize("total", [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT])
def test_an_honest_listing_is_read_page_by_page(total: int) -> None:
    pages, seen, paging = walk(honest(total))

    assert pages == list(range(1, max(1, -(-total // LIMIT)) + 1))
    assert (seen, paging.told, paging.position) == (set(range(total)), None, total)


def test_a_walk_that_was_stopped_begins_with_the_page_before() -> None:
    pages, _, paging = walk(honest(35), position=20, total=35)

    assert pages == [2, 3, 4]
    assert paging.told is None


@pytest.mark.parametrize(("every", "told"), [(1, True), (100, False)])
def test_a_listing_that_becomes_shorter_is_read_again_a_few_times(every: int, told: bool) -> None:
    pages, seen, paging = walk(shrinking(40, every))

    assert (paging.told is not None) is told
    assert len(pages) <= 4 + 2 * (SPARE + 1)
    if not told:
        assert seen == set(range(40))


@pytest.mark.parametrize(("added", "told"), [(LIMIT, False), (2 * LIMIT, False), (0, True)])
def test_as_many_accounts_as_were_added_may_be_seen_again(added: int, told: bool) -> None:
    """Accounts that are added at the front while page 2 is read move as many to the pages behind."""

    def answer(number: int, asked: int) -> dict[str, Any]:
        page = cut([*range(-added, 0), *range(3 * LIMIT)] if asked > 1 else range(3 * LIMIT), number)
        return page | ({"docs": page["docs"]} if added or asked == 1 else {"docs": list(range(LIMIT))})

    _, seen, paging = walk(answer)

    assert (paging.told is not None) is told
    assert told or seen >= set(range(3 * LIMIT))


def test_accounts_that_moved_to_a_page_that_was_read_are_found() -> None:
    def answer(number: int, asked: int) -> dict[str, Any]:
        return cut([0, *range(4, 30)] if asked >= 2 else range(30), number)  # 1 to 3 are deleted after the first page

    pages, seen, paging = walk(answer)

    assert pages == [1, 2, 1, 2, 3]
    assert (seen, paging.told) == (set(range(30)), None)


#: A listing that lies; how many pages a walk reads at most, what it misses, and words of what is told.
LIES = [
    pytest.param(
        lying(25, docs=lambda page: page["docs"][1:] if page["page"] == 1 else page["docs"]),
        3,
        {0},
        "page 1 has 9 accounts instead of 10, although another page follows",
        id="an account is left out of page 1",
    ),
    pytest.param(
        lying(25, docs=lambda page: page["docs"][:-1] if page["page"] == 3 else page["docs"]),
        3,
        {24},
        "page 3 is the last and ends with account 24 of 25",
        id="an account is left out of the last page",
    ),
    pytest.param(
        lying(25, more=True),
        3 + FEW,
        set(),
        "page 3 says that another page follows, although there are 25",
        id="no end",
    ),
    pytest.param(
        lying(0, more=True), FEW, set(), "page 1 has 0 accounts instead of 10", id="nothing, and no end of it"
    ),
    pytest.param(
        lying(25, total=10**9, docs=[], more=True), 1 + FEW, set(range(25)), "page 1 has 0 accounts", id="a huge total"
    ),
    pytest.param(
        lying(10, total=10**9, docs=list(range(10)), more=True),
        1 + FEW,
        set(),
        "page 2 has only accounts of earlier pages",
        id="the same page for ever",
    ),
    pytest.param(
        lying(25, docs=lambda page: list(range(10)) if page["page"] == 2 else page["docs"]),
        3,
        set(range(10, 20)),
        "page 2 has only accounts of earlier pages",
        id="the same page twice",
    ),
    pytest.param(lying(25, page=1), 3, set(), "page 2 was asked for, and the answer is page 1", id="another number"),
    pytest.param(
        lying(25, more=False),
        1,
        set(range(10, 25)),
        "page 1 is the last and ends with account 10 of 25",
        id="it ends too early",
    ),
    pytest.param(
        lying(25, total=lambda page: 25 - page["page"]),
        3 + 2 * (SPARE + 1),
        set(),
        "it became shorter again and again",
        id="a total that shrinks with each page",
    ),
    pytest.param(lying(25, limit=0), 3, set(), None, id="a limit of nothing"),
    pytest.param(lying(25, total=None), 3, set(), None, id="no total"),
    pytest.param(
        lying(25, total=None, more=True), 3 + FEW, set(), "page 3 has 5 accounts instead", id="no total nor end"
    ),
]


@pytest.mark.parametrize(("listing", "most", "missed", "told"), LIES)
def test_a_walk_ends_whatever_the_listing_says(
    *, listing: Listing, most: int, missed: set[int], told: str | None
) -> None:
    pages, seen, paging = walk(listing)

    assert len(pages) <= most
    assert {account for account in range(25) if account not in seen} & missed == missed
    assert (paging.told is None) if told is None else (told in str(paging.told))


def test_a_contradiction_of_one_kind_is_told_once_and_kept_by_the_run_that_goes_on() -> None:
    told = walk(lying(95, docs=lambda page: page["docs"][1:]))[2].told
    again = Paging.resume(page_size=LIMIT, position=50, total=95, told=told)

    assert str(told).count("instead of") == 1
    assert again.told == told
    assert Paging.resume(page_size=LIMIT, position=0, total=None, told=None).told is None
