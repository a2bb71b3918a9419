"""Fault rules for calls: failure rates, scripts, outages, lost answers and late effects."""

import random
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Answer(StrEnum):
    """The answer to a call to which a rule applies."""

    NORMAL = "normal"  # the true answer; later rules do not apply
    LATENCY = "latency"  # only slower; later rules apply as well
    ERROR = "error"  # Cobalt's error body with the rule's status
    THROTTLE = "throttle"  # 429, as beyond the rate
    HTML = "html"  # a proxy's page with the rule's status
    TRUNCATED = "truncated"  # the true answer, cut in the middle
    TIMEOUT = "timeout"  # no answer ever comes
    CLOSED = "closed"  # the connection ends without an answer


class Effect(StrEnum):
    """The effect on the sandbox's state of a call to which a rule applies."""

    NONE = "none"
    DONE = "done"
    LATER = "later"


_NO_CHOICE = {Answer.NORMAL: Effect.DONE, Answer.LATENCY: Effect.DONE, Answer.TRUNCATED: Effect.DONE}


class Fault(BaseModel):
    """A rule: which calls, how often, and what happens to them. The first rule that matches a call applies to it.

    Attributes:
        answer: The answer to the call.
        effect: Whether the call takes effect: not at all, at once, or ``later_seconds`` from now.
        status: Status of ``error`` and ``html``.
        error: Error code of ``error``; by default the status's name.
        later_seconds: Delay of an effect ``later``: it happens before the first call or read of the state after that.
        min_ms: Shortest latency added to the answer.
        max_ms: Longest latency; by default ``min_ms``.
        method: Only this method.
        path: Only raw paths that match this shell pattern, such as ``/api/v2/public/config*``.
        route: Only this route by its name, such as ``replace_config``.
        slug: Only calls that name this application in path, header or body.
        linked_account_id: Only calls for this account.
        share: Share of the matching calls, 0 to 1.
        times: Number of calls before the rule is used up; None for no limit. Rules with ``times`` form a script.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Answer = Answer.ERROR
    effect: Effect = Effect.NONE
    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    error: str | None = None
    later_seconds: float = Field(default=0.0, ge=0)
    min_ms: float = Field(default=0.0, ge=0)
    max_ms: float | None = Field(default=None, ge=0)
    method: str | None = None
    path: str | None = None
    route: str | None = None
    slug: str | None = None
    linked_account_id: str | None = None
    share: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _imply_effect(cls, data: object) -> object:
        """Set the effect for answers that allow only one."""
        if isinstance(data, dict) and "effect" not in data and data.get("answer") in _NO_CHOICE:
            return {**data, "effect": Effect.DONE}
        return data

    @model_validator(mode="after")
    def _no_contradiction(self) -> "Fault":
        if _NO_CHOICE.get(self.answer, self.effect) is not self.effect:
            raise ValueError(f"effect: must be done for the answer {self.answer}")
        if self.answer is Answer.THROTTLE and self.effect is not Effect.NONE:
            raise ValueError("effect: must be none for the answer throttle")
        if self.answer is Answer.ERROR and self.status < 400:
            raise ValueError("status: must be 400 or above for the answer error")
        if self.max_ms is not None and self.max_ms < self.min_ms:
            raise ValueError("max_ms: must not be below min_ms")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The properties of a call that rules match."""

    method: str
    path: str
    route: str
    slug: str | None
    linked_account_id: str | None


class Faults:
    """The rules in force, in their order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._rules: list[tuple[Fault, int | None]] = []

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, *faults: Fault) -> None:
        """Add rules after those in force."""
        self._rules += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def left(self) -> list[Fault]:
        """Return the rules in force, with what is left of their ``times``."""
        return [fault.model_copy(update={"times": times}) for fault, times in self._rules]

    def choose(self, subject: Subject) -> tuple[Fault | None, float]:
        """Return the rule that applies to a call, if any, and the added latency in seconds."""
        latency = 0.0
        for index, (fault, times) in enumerate(self._rules):
            if times == 0 or not _applies(fault, subject) or (fault.share < 1 and self._rng.random() >= fault.share):
                continue
            if times is not None:
                self._rules[index] = (fault, times - 1)
            latency += self._rng.uniform(fault.min_ms, fault.min_ms if fault.max_ms is None else fault.max_ms) / 1000
            if fault.answer is not Answer.LATENCY:
                self._drop_used_up()
                return fault, latency
        self._drop_used_up()
        return None, latency

    def _drop_used_up(self) -> None:
        self._rules = [(fault, times) for fault, times in self._rules if times != 0]


def _applies(fault: Fault, subject: Subject) -> bool:
    return (
        fault.method in (None, subject.method)
        and fault.route in (None, subject.route)
        and fault.slug in (None, subject.slug)
        and fault.linked_account_id in (None, subject.linked_account_id)
        and (fault.path is None or fnmatchcase(subject.path, fault.path))
    )
