"""The ledger: a record of every call and every effect, so that tests can count them."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

#: In place of a fault: the read was answered as things were some time ago.
STALE = "stale"


@dataclass(kw_only=True, slots=True)
class CallRecord:
    """One API call. The control API, consent pages and hosted pages are not recorded.

    Attributes:
        n: Number of the call, counted from 1 since the last reset.
        route: The route's name, such as ``upsert_account``; ``unknown`` if there is no such route.
        status: The status of the answer; None if there was no answer.
        fault: The fault applied to this call, if any.
    """

    n: int
    at: str
    method: str
    path: str
    route: str
    environment: str | None = None
    linked_account_id: str | None = None
    slug: str | None = None
    status: int | None = None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectRecord:
    """One change of the sandbox's state.

    Attributes:
        call: Number of the call that caused it; None for a change by hand or by consent.
    """

    n: int
    call: int | None
    at: str
    kind: str
    environment: str
    linked_account_id: str | None
    slug: str | None
    detail: dict[str, Any]
    before: Any = None
    after: Any = None


class Ledger:
    """Calls and effects: the newest ``kept`` of each in full, and exact counts of all.

    Attributes:
        on_effect: Called after each effect with its environment and account; None: nobody asks.
    """

    def __init__(self, kept: int = 100_000) -> None:
        self.on_effect: Callable[[str, str | None], None] | None = None
        self._calls: deque[CallRecord] = deque(maxlen=kept)
        self._effects: deque[EffectRecord] = deque(maxlen=kept)
        self._counts: Counter[tuple[str, int | None]] = Counter()
        self._calls_made = 0
        self._effects_made = 0
        self._current: CallRecord | None = None

    def reset(self) -> None:
        """Clear everything, and count from 1 again."""
        self._calls.clear()
        self._effects.clear()
        self._counts.clear()
        self._calls_made = self._effects_made = 0

    def open_call(self, *, at: str, method: str, path: str, route: str) -> CallRecord:
        """Begin a call; the effects that follow belong to it."""
        self._calls_made += 1
        self._current = CallRecord(n=self._calls_made, at=at, method=method, path=path, route=route)
        self._calls.append(self._current)
        return self._current

    def mark_stale(self) -> None:
        """Note that the open call is answered as things were some time ago."""
        if self._current is not None:
            self._current.fault = STALE

    def close_call(self, status: int | None) -> None:
        """End the open call."""
        if self._current is not None:
            self._current.status = status
            self._counts[(self._current.route, status)] += 1
            self._current = None

    def record_effect(
        self,
        kind: str,
        *,
        at: str,
        environment: str,
        linked_account_id: str | None = None,
        slug: str | None = None,
        before: Any = None,
        after: Any = None,
        **detail: Any,
    ) -> None:
        """Record one change. Never pass secrets."""
        self._effects_made += 1
        self._effects.append(
            EffectRecord(
                n=self._effects_made,
                call=None if self._current is None else self._current.n,
                at=at,
                kind=kind,
                environment=environment,
                linked_account_id=linked_account_id,
                slug=slug,
                detail=detail,
                before=before,
                after=after,
            )
        )
        if self.on_effect is not None:
            self.on_effect(environment, linked_account_id)

    def calls(self, **filters: Any) -> list[CallRecord]:
        """Return the calls whose attributes equal the filters; ``after=n`` skips the first n calls."""
        return list(_matching(self._calls, filters))

    def latest_calls(self, count: int) -> list[CallRecord]:
        """Return the latest calls, the newest first."""
        return list(islice(reversed(self._calls), count))

    def effects(self, **filters: Any) -> list[EffectRecord]:
        """Return the effects whose attributes equal the filters; ``after=n`` skips the first n effects."""
        return list(_matching(self._effects, filters))

    def summary(self) -> dict[str, Any]:
        """Return exact counts: calls in all, by route, by status, and by both; effects in all."""
        by_route: Counter[str] = Counter()
        by_status: Counter[str] = Counter()
        by_both: dict[str, dict[str, int]] = {}
        for (route, status), count in self._counts.items():
            name = "none" if status is None else str(status)
            by_route[route] += count
            by_status[name] += count
            by_both.setdefault(route, {})[name] = count
        return {
            "calls": self._calls_made,
            "effects": self._effects_made,
            "by_route": dict(by_route),
            "by_status": dict(by_status),
            "by_route_and_status": by_both,
        }


def as_rows(records: list[CallRecord] | list[EffectRecord]) -> list[dict[str, Any]]:
    """Return records as JSON objects."""
    return [asdict(record) for record in records]


def _matching(records: "deque[Any]", filters: dict[str, Any]) -> Iterator[Any]:
    first = filters.pop("after", 0)
    for record in records:
        if record.n > first and all(getattr(record, name) == value for name, value in filters.items()):
            yield record
