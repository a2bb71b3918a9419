"""Events that come late are folded alike with all that is done and with what is kept of it."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cobalt_mirror.db.log import Order
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.events import ConnectionAuthorized
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.config_plans import config_events, plan_configs
from cobalt_mirror.workers.handlers.folding import fold_configs, fold_sign_ups
from cobalt_mirror.workers.ops.keeping import Keeper
from tests.effort import tries
from tests.unit.entries import ACCOUNT, authorized, changed, config_removed, signed_up

seconds = st.integers(min_value=0, max_value=6)
config_ids = st.sampled_from([{}, {"config_id": "second"}])
values = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(min_value=0, max_value=2), max_size=2)
workflows = st.fixed_dictionaries({"id": st.just("notify")}, optional={"enabled": st.booleans(), "fields": values})


@st.composite
def config_stories(draw: st.DrawFn) -> list[Entry]:
    """Events of one connection, some done and some waiting."""

    def event(number: int) -> Entry:
        id_, second, kind = f"e{number}", draw(seconds), draw(st.integers(min_value=0, max_value=5))
        status = draw(st.sampled_from(["done", "done", "pending"]))
        if kind == 0:
            return config_removed(id_, second, draw(config_ids), status=status)
        if kind == 1:
            return authorized(id_, second, status="done")
        payload: dict[str, Any] = {**draw(config_ids), "fields": draw(values)}
        changes = draw(st.lists(workflows, max_size=1))
        return changed(id_, second, {**payload, **({"workflows": changes} if changes else {})}, status=status)

    return sorted((event(number) for number in range(draw(st.integers(2, 9)))), key=lambda entry: entry.order)


@st.composite
def sign_up_stories(draw: st.DrawFn) -> list[Entry]:
    """Sign-ups of one account, some done and some waiting."""
    optional = {
        "name": st.sampled_from(["A", "B"]),
        "udf": st.sampled_from([{}, {"plan": "pro"}]),
        "had_credentials": st.just(True),
    }
    payloads = st.fixed_dictionaries({}, optional=optional)
    size = draw(st.integers(2, 8))
    return sorted(
        (
            signed_up(f"e{n}", draw(seconds), payload=draw(payloads), status=draw(st.sampled_from(["done", "pending"])))
            for n in range(size)
        ),
        key=lambda entry: entry.order,
    )


def kept(story: Sequence[Entry]) -> list[Entry]:
    """Return the story without what may be pruned."""
    keeper = Keeper()
    newest_first = [entry for entry in reversed(story) if _is_pending(entry) or keeper.needs(entry)]
    return newest_first[::-1]


def _is_pending(entry: Entry) -> bool:
    return entry.logged.status is EventStatus.PENDING


def split(story: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return what waits, and what is done and newer than the first of it, as an attempt loads them."""
    pending = list(filter(_is_pending, story))
    done = [entry for entry in story if pending and entry.logged.status is EventStatus.DONE]
    return pending, [entry for entry in done if entry.order > pending[0].order]


def plans(story: Sequence[Entry], deleted_at: Order | None) -> dict[ConfigKey, Any]:
    """Return what is done about each config."""
    pending, done = split(story)
    made = [(entry.order, ConfigKey(ACCOUNT)) for entry in done if isinstance(entry.event, ConnectionAuthorized)]
    made = [max(made)] if made else []
    found = plan_configs(config_events(pending), config_events(done), made, account=ACCOUNT, deleted_at=deleted_at)
    return {
        plan.key: (
            plan.removal,
            plan.removed_at,
            plan.moot,
            plan.must_exist,
            plan.creates,
            [(fold.key, fold.patch) for fold in fold_configs(plan.changes, plan.later, ACCOUNT) if fold.patch.steps()],
        )
        for plan in found
        if plan.removal or plan.moot or plan.changes or plan.must_exist
    }


@settings(max_examples=tries(300))
@given(story=config_stories(), is_removed=st.booleans(), number=st.integers(min_value=0, max_value=8))
def test_late_changes_of_configs_come_to_the_same(story: list[Entry], is_removed: bool, number: int) -> None:
    deleted_at = story[number].order if is_removed and number < len(story) else None

    assert plans(kept(story), deleted_at) == plans(story, deleted_at)


@settings(max_examples=tries(300))
@given(story=sign_up_stories())
def test_late_sign_ups_come_to_the_same(story: list[Entry]) -> None:
    pending, done = split(story)
    if pending:
        fold = fold_sign_ups(pending, done)

        assert fold_sign_ups(*split(kept(story))) == fold
