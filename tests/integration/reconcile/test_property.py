"""Whatever happened at Cobalt, before and during the walk, one deep run makes the mirror agree."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.db.state import record_catalogue_due
from cobalt_mirror.workers.reconcile import Ending, Report
from tests.effort import tries
from tests.integration.journey.replay import check_history
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import reconcile
from tests.world import World

SLUGS = ("slack", "hubspot")
ACCOUNTS = tuple(f"a{number}" for number in range(6))


@dataclass(frozen=True)
class Step:
    """One thing that somebody does at Cobalt; what makes no sense there does nothing."""

    what: str
    account: str
    slug: str
    value: str

    def play(self, world: World) -> None:
        with suppress(LookupError, ValueError):
            _ACTIONS[self.what](world, self)


def _make(world: World, step: Step) -> None:
    if step.account not in world.truth()["accounts"]:
        world.client.upsert_account(step.account, name=step.value, udf={"plan": step.value})


def _save(world: World, step: Step) -> None:
    """Nothing lists the configs of applications that are not connected, so nobody could find one made there."""
    if (step.account, step.slug) in world.truth()["connections"]:
        world.client.config(step.account, step.slug, config_id=step.account)


_ACTIONS: dict[str, Callable[[World, Step], object]] = {
    "make": _make,
    "delete": lambda world, step: world.sandbox.delete_account(step.account),
    "rename": lambda world, step: world.sandbox.rename_account(step.account, step.value),
    "udf": lambda world, step: world.sandbox.set_udf(step.account, {"plan": step.value}),
    "connect": lambda world, step: world.sandbox.connect(step.account, step.slug),
    "disconnect": lambda world, step: world.sandbox.disconnect(step.account, step.slug),
    "expire": lambda world, step: world.sandbox.expire_connection(step.account, step.slug),
    "recover": lambda world, step: world.sandbox.recover_connection(step.account, step.slug),
    "save": _save,
    "edit": lambda world, step: world.sandbox.edit_config(
        step.account, step.slug, config_id=step.account, fields={"mention": step.value}
    ),
}

_EDITS = ("rename", "udf", "disconnect", "expire", "recover", "edit", "delete", "make")


def steps(*names: str) -> st.SearchStrategy[Step]:
    return st.builds(
        Step, st.sampled_from(names), st.sampled_from(ACCOUNTS), st.sampled_from(SLUGS), st.sampled_from("xyz")
    )


@dataclass
class Meanwhile:
    """Plays steps while the walk goes on, one list for each page that is asked for."""

    world: World
    turns: list[list[Step]]
    touched: set[str] = field(default_factory=set)

    def __call__(self, request: httpx.Request) -> None:
        if "page" in request.url.params and self.turns:
            for step in self.turns.pop(0):
                self.touched.add(step.account)
                step.play(self.world)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[World]:
    file = tmp_path_factory.mktemp("stage") / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    world = World(f"sqlite:///{file}")
    yield world
    world.close()


def clear(world: World) -> None:
    """An empty mirror and an empty Cobalt; the catalogue is not due."""
    world.clear()
    with world.engine.begin() as connection:
        record_catalogue_due(connection, world.clock() + timedelta(days=1))


def there(picture: dict[str, Any], accounts: set[str]) -> dict[str, Any]:
    """What a picture of mirror or Cobalt shows of these accounts."""
    return {
        kind: {key: value for key, value in rows.items() if (key if isinstance(key, str) else key[0]) in accounts}
        for kind, rows in picture.items()
    }


def repeats_a_page(report: Report, meanwhile: list[list[Step]]) -> bool:
    """Whether a page showed known accounts only because all that were on it were deleted, and as many added.

    The total is the same then, so the run cannot tell this from a listing that repeats itself, and says that. The last
    page may have a single account, whatever the size of a page.
    """
    played = {step.what for turn in meanwhile for step in turn}
    return played == {"make", "delete"} and "only accounts of earlier pages" in (report.run.contradiction or "")


@settings(
    max_examples=tries(40),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    before=st.lists(steps("make", "make", "connect", "connect", "save"), max_size=12),
    first_run=st.sampled_from([None, {}, {"deep": True}]),
    changes=st.lists(steps(*_EDITS), max_size=8),
    meanwhile=st.lists(st.lists(steps("make", "delete", "delete"), max_size=2), max_size=5),
    page_size=st.integers(1, 4),
)
def test_after_one_run_nothing_differs_that_was_there_throughout(
    stage: World,
    *,
    before: list[Step],
    first_run: dict[str, Any] | None,
    changes: list[Step],
    meanwhile: list[list[Step]],
    page_size: int,
) -> None:
    clear(stage)
    for step in before:
        step.play(stage)
    if first_run is not None:
        reconcile(stage, **first_run)
    for step in changes:
        step.play(stage)
    playing = Meanwhile(stage, [list(turn) for turn in meanwhile])
    report = reconcile(stage, wire=Wire(stage, before=playing), page_size=page_size, deep=True)

    if not repeats_a_page(report, meanwhile):
        assert report.ending is Ending.IN_AGREEMENT
    throughout = set(ACCOUNTS) - playing.touched
    assert there(stage.mirror(), throughout) == there(stage.truth(), throughout)
    check_history(stage)
    stage.work_until_quiet()  # what is missing is looked at once more
    assert stage.rows("checks") == stage.rows("work") == stage.rows("walked") == []
