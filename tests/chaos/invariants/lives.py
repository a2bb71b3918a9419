"""The ledger's truth about connected accounts: each from its first connecting to its end."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.chaos.evidence import CUT, Row, moment

#: Effects that move `connectedAt` although the customer did not connect.
_MOVES = {"token_renewed", "expired", "recovered"}


@dataclass(slots=True, kw_only=True)
class Life:
    """One connected account.

    Attributes:
        integrated_at: since when the application is connected at all: `integrations[].createdAt`.
        made_at: when the customer connected it, and each time when they connected it again.
        moved_at: when `connectedAt` moved without that.
        ended_at: when it was disconnected, or deleted with its account; None: it is there at the end of the run.
    """

    account: str
    slug: str
    auth_type: str
    connection_id: str | None
    integrated_at: datetime
    made_at: list[datetime]
    moved_at: list[datetime] = field(default_factory=list)
    ended_at: datetime | None = None

    @property
    def name(self) -> str:
        """What tells it apart from the others of the same application."""
        return self.auth_type if self.connection_id is None else self.connection_id

    def was_there(self, at: datetime) -> bool:
        """Return whether it was connected at this time."""
        return self.made_at[0] <= at + CUT and (self.ended_at is None or at < self.ended_at)

    def was_there_within(self, first: datetime, last: datetime) -> bool:
        """Return whether it was connected at some time between these two."""
        return self.made_at[0] <= last + CUT and (self.ended_at is None or first < self.ended_at)

    def connected_at(self, at: datetime) -> datetime:
        """Return what `connectedAt` was at this time."""
        return max(each for each in (*self.made_at, *self.moved_at) if each <= at or each == self.made_at[0])

    def __str__(self) -> str:
        return f"{self.account} / {self.slug} / {self.name}"


class Lives:
    """All connected accounts of a run, by account and application."""

    def __init__(self, effects: Iterable[Row]) -> None:
        self._lives: defaultdict[tuple[str, str], list[Life]] = defaultdict(list)
        for effect in effects:
            if effect["kind"] == "account_deleted":
                self._end(effect["linked_account_id"], moment(effect["at"]))
            elif effect["kind"] in {"connected", "reconnected", "disconnected", *_MOVES}:
                self._add(effect, moment(effect["at"]))

    def __iter__(self) -> Iterator[Life]:
        for lives in self._lives.values():
            yield from lives

    def of(self, account: str, slug: str) -> list[Life]:
        """Return those of one account and application, in the order in which they were made."""
        return self._lives.get((account, slug), [])

    def ended_by(self, effect: Row) -> Life:
        """Return the one that an effect disconnected."""
        ended_at, name = moment(effect["at"]), effect["detail"].get("connection_id") or effect["detail"]["auth_type"]
        lives = self.of(effect["linked_account_id"], effect["slug"])
        return next(life for life in lives if life.name == name and life.ended_at == ended_at)

    def at(self, account: str, slug: str, at: datetime) -> list[Life]:
        """Return those that were connected at this time."""
        return [life for life in self.of(account, slug) if life.was_there(at)]

    def _add(self, effect: Row, at: datetime) -> None:
        account, slug, detail = effect["linked_account_id"], effect["slug"], effect["detail"]
        lives = self._lives[account, slug]
        here = [life for life in lives if life.ended_at is None]
        connection_id = detail.get("connection_id")
        if effect["kind"] == "connected":
            lives.append(
                Life(
                    account=account,
                    slug=slug,
                    auth_type=detail["auth_type"],
                    connection_id=connection_id,
                    integrated_at=here[0].integrated_at if here else at,
                    made_at=[at],
                )
            )
            return
        [life] = [life for life in here if life.name == (connection_id or detail["auth_type"])]
        match effect["kind"]:
            case "reconnected":
                life.made_at.append(at)
            case "disconnected":
                life.ended_at = at
            case _:
                life.moved_at.append(at)

    def _end(self, account: str, at: datetime) -> None:
        for (owner, _), lives in self._lives.items():
            for life in lives:
                if owner == account and life.ended_at is None:
                    life.ended_at = at
