"""What is told of a connection that fails and recovers: a row for each case, and a property over any order."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.db.feed_entries import NOT_KNOWN, Link
from cobalt_mirror.db.notices import Around, Earlier, NoticeRow
from cobalt_mirror.db.statuses import ChangeType, ConnectionStatus
from cobalt_mirror.workers.notices.settling import SETTLING, Decision, Skip, Tell, Wait, decide, due_at
from tests.unit.notices.rows import NOON, notice

SETTLE = timedelta(minutes=10)
MICROSECOND = timedelta(microseconds=1)
OURS, OTHER = Link(None, "oauth2"), Link(None, "keybased")
FAILS, WORKS = ConnectionStatus.REAUTH_REQUIRED, ConnectionStatus.CONNECTED
FAILURE, RECOVERY = ChangeType.CONNECTION_REAUTH_REQUIRED, ChangeType.CONNECTION_RECOVERED
_NOT_LASTED = Skip("it did not last")
_ANEW = Skip("it ended and began anew, which a later notice tells")
_NOT_TOLD = Skip("the failure was not told")

FAILURES: list[tuple[str, dict[str, Any], Link, timedelta, Decision]] = [
    ("it has lasted for just as long as it must", {"mirror": {OURS: FAILS}}, OURS, SETTLE, Tell()),
    ("not quite", {"mirror": {OURS: FAILS}}, OURS, SETTLE - MICROSECOND, Wait(NOON + SETTLE)),
    ("it works again", {"mirror": {OURS: WORKS}}, OURS, SETTLE, _NOT_LASTED),
    ("it is gone", {"mirror": {}}, OURS, SETTLE, _NOT_LASTED),
    ("it works again although another fails", {"mirror": {OURS: WORKS, OTHER: FAILS}}, OURS, SETTLE, _NOT_LASTED),
    ("it fails as another does", {"mirror": {OURS: FAILS, OTHER: FAILS}}, OURS, SETTLE, Tell()),
    ("the listing shows that something fails", {"mirror": {NOT_KNOWN: FAILS}}, OURS, SETTLE, Tell()),
    ("nobody knew which one, and one fails", {"mirror": {OURS: WORKS, OTHER: FAILS}}, NOT_KNOWN, SETTLE, Tell()),
    ("nobody knew which one, and none fails", {"mirror": {OURS: WORKS}}, NOT_KNOWN, SETTLE, _NOT_LASTED),
    ("it failed again since", {"mirror": {OURS: FAILS}, "failed_again": [OURS]}, OURS, SETTLE, _ANEW),
    ("another failed since", {"mirror": {OURS: FAILS, OTHER: FAILS}, "failed_again": [OTHER]}, OURS, SETTLE, Tell()),
    ("one failed since", {"mirror": {OURS: FAILS}, "failed_again": [NOT_KNOWN]}, OURS, SETTLE, _ANEW),
    ("nobody knew which one", {"mirror": {OURS: FAILS}, "failed_again": [OURS]}, NOT_KNOWN, SETTLE, _ANEW),
    ("days later", {"mirror": {OURS: FAILS}}, OURS, timedelta(days=3), Tell()),
]


@pytest.mark.parametrize(
    ("around", "link", "after", "decision"), [row[1:] for row in FAILURES], ids=[r[0] for r in FAILURES]
)
def test_a_failure_is_told_when_it_has_lasted(
    around: dict[str, Any], link: Link, after: timedelta, decision: Decision
) -> None:
    row = notice(connection_id=link.connection_id, auth_type=link.auth_type)

    assert decide(row, Around(**around), now=NOON + after, settle=SETTLE) == decision


TOLD, UNTOLD = Earlier(link=OURS, told=True), Earlier(link=OURS, told=False)
RECOVERIES: list[tuple[str, list[Earlier], Decision]] = [
    ("nothing was to be told before", [], _NOT_TOLD),
    ("the failure was told", [TOLD], Tell()),
    ("it was not", [UNTOLD], _NOT_TOLD),
    ("the last one was not", [UNTOLD, TOLD], _NOT_TOLD),
    ("the last one was", [TOLD, UNTOLD], Tell()),
    ("only that of another was", [replace(TOLD, link=OTHER)], _NOT_TOLD),
    ("another one's came later", [replace(UNTOLD, link=OTHER), TOLD], Tell()),
    ("nobody knew which one failed", [replace(TOLD, link=NOT_KNOWN)], Tell()),
    ("it is being told", [replace(TOLD, taken_until=NOON + MICROSECOND)], Wait(NOON + MICROSECOND)),
    ("it was being told when a process died", [replace(TOLD, taken_until=NOON)], Tell()),
    ("it is being looked at", [replace(UNTOLD, taken_until=NOON + MICROSECOND)], _NOT_TOLD),
]


@pytest.mark.parametrize(("earlier", "decision"), [row[1:] for row in RECOVERIES], ids=[row[0] for row in RECOVERIES])
def test_a_recovery_is_told_if_the_failure_was(earlier: list[Earlier], decision: Decision) -> None:
    around = Around(mirror={OURS: WORKS}, earlier=earlier)

    assert decide(notice(RECOVERY), around, now=NOON, settle=SETTLE) == decision


@pytest.mark.parametrize("type_", [each for each in ChangeType if each not in SETTLING])
def test_everything_else_is_told_at_once(type_: ChangeType) -> None:
    assert due_at(type_, NOON, settle=SETTLE) == NOON
    assert decide(notice(type_), Around(), now=NOON, settle=SETTLE) == Tell()


def test_a_failure_is_due_when_it_may_have_lasted_and_a_recovery_at_once() -> None:
    assert due_at(FAILURE, NOON, settle=SETTLE) == NOON + SETTLE
    assert due_at(RECOVERY, NOON, settle=SETTLE) == NOON


# --- any order --------------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """A connection that fails and recovers, and a receiver that is told of it now and then."""

    now: datetime = NOON
    failing_since: list[datetime] = field(default_factory=list)
    feed: list[NoticeRow] = field(default_factory=list)
    waiting: list[NoticeRow] = field(default_factory=list)
    told: list[NoticeRow] = field(default_factory=list)
    fails: bool = False

    def change(self) -> None:
        """The connection fails or recovers."""
        self.fails = not self.fails
        row = notice(FAILURE if self.fails else RECOVERY, position=len(self.feed) + 1, recorded_at=self.now)
        self.feed.append(row)
        self.waiting.append(row)

    def tell(self, *, is_up: bool) -> None:
        """Decide about everything that is due; a receiver that is down takes nothing."""
        for row in [row for row in self.waiting if due_at(row.type, row.recorded_at, settle=SETTLE) <= self.now]:
            match decide(row, self.around(row), now=self.now, settle=SETTLE):
                case Skip():
                    self.waiting.remove(row)
                case Tell() if is_up:
                    self.waiting.remove(row)
                    self.told.append(row)

    def around(self, row: NoticeRow) -> Around:
        failures = [each for each in self.feed if each.type is FAILURE]
        return Around(
            mirror={OURS: FAILS if self.fails else WORKS},
            failed_again=[each.link for each in failures if each.position > row.position],
            earlier=[
                Earlier(link=each.link, told=each in self.told)
                for each in reversed(failures)
                if each.position < row.position
            ],
        )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 15)),
        st.tuples(st.sampled_from(["tell", "down"]), st.integers(0, 15)),
    ),
    max_size=30,
)


@given(STEPS)
def test_in_any_order_what_is_told_is_true_and_a_recovery_follows_its_failure(steps: Iterable[tuple[str, int]]) -> None:
    story = Story()
    for what, minutes in steps:
        story.now += timedelta(minutes=minutes)
        if what == "change":
            story.change()
            continue
        before = len(story.told)
        story.tell(is_up=what == "tell")
        for row in story.told[before:]:
            if row.type is FAILURE:  # it has lasted, and lasts
                assert story.fails
                assert row is [each for each in story.feed if each.type is FAILURE][-1]
                assert story.now - row.recorded_at >= SETTLE

    types = [row.type for row in story.told]
    assert types == [FAILURE, RECOVERY] * (len(types) // 2) + [FAILURE] * (len(types) % 2)
    for failure, recovery in zip(story.told[::2], story.told[1::2], strict=False):
        assert recovery.position == failure.position + 1
    story.now += timedelta(days=1)
    story.tell(is_up=True)
    assert story.waiting == []
    if story.fails:  # what lasts is known to the receiver in the end
        assert story.told[-1] is story.feed[-1]
