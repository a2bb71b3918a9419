"""Which page of Cobalt's listing comes next, and how a listing contradicts itself. Plain values only."""

from dataclasses import dataclass, field
from typing import Self

from cobalt_mirror.cobalt import AccountPage

#: The pages that a walk may read again because the listing became shorter: so many, and one for each four pages.
SPARE = 5
#: The pages in a row without a new account after which a walk ends, and the pages that it reads beyond the total.
FEW = 3
#: The most contradictions that a run tells of.
_MOST_TOLD = 3


@dataclass(slots=True, kw_only=True)
class Paging:
    """The course of one walk. It ends, whatever the listing says.

    Attributes:
        page_size: Number of accounts that is asked for; the answers say which size they have.
        position: Number of accounts of the listing that are certainly read.
        total: Number of accounts that the last page counted; None: it counted none, or there was no page yet.
        contradictions: What the listing said that cannot be true, each kind once.
    """

    page_size: int
    position: int = 0
    total: int | None = None
    contradictions: list[str] = field(default_factory=list)
    _largest: int = 0
    _read_again: int = 0
    _idle: int = 0
    _grown: int = 0
    _repeated: int = 0
    _furthest: int = field(init=False)

    def __post_init__(self) -> None:
        self._furthest = self.position

    @classmethod
    def resume(cls, *, page_size: int, position: int, total: int | None, told: str | None) -> Self:
        """Begin at a position; with what the walk that stopped there told of the listing, if anything."""
        return cls(page_size=page_size, position=position, total=total, contradictions=told.split("; ") if told else [])

    @property
    def told(self) -> str | None:
        """The contradictions in one text; None: there are none."""
        return "; ".join(self.contradictions) or None

    @property
    def first(self) -> int:
        """The page to begin with. After a walk that was stopped, one that it has read: it may have shifted."""
        return max(self.position // self.page_size, 1)

    def next(self, page: AccountPage, *, requested: int, new: int) -> int | None:
        """Take in a page, and return the page to ask for next; None: the walk is over.

        Pages shift during a walk. If the listing became shorter by n, up to n accounts may have moved to pages that
        were read already, so the walk steps back by n.

        Args:
            page: The answer.
            requested: The page that was asked for.
            new: Number of its accounts that this walk had not seen before.
        """
        limit = page.limit if page.limit > 0 else self.page_size
        start = (requested - 1) * limit
        end = start + (limit if page.has_next_page else len(page.accounts))
        shorter_by = 0 if page.total_accounts is None else max((self.total or 0) - page.total_accounts, 0)
        has_grown = (page.total_accounts or 0) > (self.total or 0)
        self._grown += 0 if self.total is None else max((page.total_accounts or 0) - self.total, 0)
        behind = max(self.position - shorter_by, 0)
        self.total = page.total_accounts
        self._largest = max(self._largest, self.total or 0)
        back = behind // limit + 1
        if start > behind and self._may_read_again(requested - back, limit):
            self.position, self._furthest = behind, max(self._furthest, end)
            return back
        if start > behind and shorter_by:
            self._tell("it became shorter again and again while it was read, so accounts may have been overlooked")
        self._judge(page, requested=requested, limit=limit)
        is_shifted = has_grown or self._is_shifted(len(page.accounts) - new if start >= self._furthest else 0)
        is_idle = new == 0 and start >= self._furthest and not is_shifted
        if is_idle and page.accounts:
            self._tell(f"page {requested} has only accounts of earlier pages")
        self._idle = self._idle + 1 if is_idle else 0
        self.position = max(behind, end)
        self._furthest = max(self._furthest, end)
        return requested + 1 if page.has_next_page and self._goes_on(requested, limit) else None

    def _is_shifted(self, repeated: int) -> bool:
        """Tell whether a page may repeat accounts: as many as were added, which moved others to the pages behind."""
        self._repeated += repeated
        return repeated > 0 and self._repeated <= self._grown

    def _may_read_again(self, pages: int, limit: int) -> bool:
        in_all = -(-self._largest // limit)
        self._read_again += pages
        return self._read_again <= SPARE + in_all // 4

    def _goes_on(self, requested: int, limit: int) -> bool:
        is_beyond = self.total is not None and requested * limit >= self.total + FEW * limit
        return self._idle < FEW and not is_beyond

    def _judge(self, page: AccountPage, *, requested: int, limit: int) -> None:
        """Note what contradicts itself within one answer: there, nothing can have shifted."""
        number, total, end = len(page.accounts), page.total_accounts, (requested - 1) * limit + len(page.accounts)
        if page.page != requested:
            self._tell(f"page {requested} was asked for, and the answer is page {page.page}")
        if page.has_next_page and number < limit:
            self._tell(f"page {requested} has {number} accounts instead of {limit}, although another page follows")
        if page.has_next_page and total is not None and requested * limit >= total:
            self._tell(f"page {requested} says that another page follows, although there are {total} accounts in all")
        if not page.has_next_page and total is not None and end < total:
            self._tell(f"page {requested} is the last and ends with account {end} of {total}")

    def _tell(self, contradiction: str) -> None:
        """Keep the first contradiction of each kind: the numbers in them differ from page to page."""
        kinds = {"".join(filter(str.isalpha, each)) for each in self.contradictions}
        if "".join(filter(str.isalpha, contradiction)) not in kinds and len(self.contradictions) < _MOST_TOLD:
            self.contradictions.append(contradiction)
