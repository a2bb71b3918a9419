"""The record of every call and every effect, so that tests can count."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(kw_only=True, slots=True)
class CallRecord:
    """One call of the API. Control, consent and hosted pages are not calls.

    Attributes:
        n: Counts from 1 and goes on counting until a reset.
        route: The route's name, such as ``upsert_account``; ``unknown`` when nothing is served there.
        status: The status that was answered; None when no answer was given.
        fault: What was played on this call, if anything.
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
        call: The number of the call that caused it; None for one made by hand or by consent.
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
    """Calls and effects, the newest ``kept`` of each in full; counts are exact however many there were."""

    def __init__(self, kept: int = 100_000) -> None:
        self._calls: deque[CallRecord] = deque(maxlen=kept)
        self._effects: deque[EffectRecord] = deque(maxlen=kept)
        self._counts: Counter[tuple[str, int | None]] = Counter()
        self._calls_made = 0
        self._effects_made = 0
        self._current: CallRecord | None = None

    def reset(self) -> None:
        """Forget everything and count from 1 again."""
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

    def close_call(self, status: int | None) -> None:
        """End the call that is open."""
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
        """Note one change; secrets never belong in here."""
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

    def calls(self, **wanted: Any) -> list[CallRecord]:
        """The calls whose attributes equal those given; ``after=n`` leaves out the first n calls."""
        return list(_matching(self._calls, wanted))

    def effects(self, **wanted: Any) -> list[EffectRecord]:
        """The effects whose attributes equal those given; ``after=n`` leaves out the first n effects."""
        return list(_matching(self._effects, wanted))

    def summary(self) -> dict[str, Any]:
        """Exact counts: calls in all, by route, by status, and by both; effects in all."""
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
    """Records as JSON objects."""
    return [asdict(record) for record in records]


def _matching(records: "deque[Any]", wanted: dict[str, Any]) -> Iterator[Any]:
    first = wanted.pop("after", 0)
    for record in records:
        if record.n > first and all(getattr(record, name) == value for name, value in wanted.items()):
            yield record
