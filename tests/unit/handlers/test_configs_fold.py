"""What several changes of configs come to, config by config, and which of the events have a part in it."""

from typing import Any

import pytest

from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import FoldedConfig, Patch, WorkflowChange, config_key_of, fold_configs
from tests.unit.entries import ACCOUNT, authorized, changed


def fields(
    id_: str,
    second: float,
    *,
    status: str = "pending",
    config_id: str | None = None,
    connection_id: str | None = None,
    **values: Any,
) -> Entry:
    """A change of a config's own fields."""
    named = {} if config_id is None else {"config_id": config_id}
    named |= {} if connection_id is None else {"connection_id": connection_id}
    return changed(id_, second, {**named, "fields": values} if values else named, status=status)


def flow(id_: str, second: float, *workflows: dict[str, Any], status: str = "pending") -> Entry:
    """A change of workflows."""
    return changed(id_, second, {"workflows": list(workflows)}, status=status)


def rules(**changes: Any) -> dict[str, Any]:
    return {"id": "rules", **changes}


def plain(patch: Patch) -> dict[str, Any]:
    """A patch as one reads it: its fields, and `workflow.field` or `workflow!` for whether it is enabled."""
    values = dict(patch.fields)
    for id_, change in patch.workflows.items():
        values |= {f"{id_}.{name}": value for name, value in change.fields.items()}
        values |= {} if change.enabled is None else {f"{id_}!": change.enabled}
    return values


# --- a patch ----------------------------------------------------------------------------------------------------------

#: Changes in order, and what they amount to.
ADDED = [
    pytest.param([], {}, id="none"),
    pytest.param([fields("a", 1)], {}, id="an empty one"),
    pytest.param([fields("a", 1, x=1)], {"x": 1}, id="one field"),
    pytest.param([fields("a", 1, x=None)], {"x": None}, id="clearing is a change as well"),
    pytest.param([fields("a", 1, x=1), fields("b", 2, y=2)], {"x": 1, "y": 2}, id="two fields"),
    pytest.param([fields("a", 1, x=1), fields("b", 2, x=2)], {"x": 2}, id="the last value wins"),
    pytest.param([fields("a", 1, x=1), fields("b", 2, x=None)], {"x": None}, id="set, then cleared"),
    pytest.param([fields("a", 1, x=None), fields("b", 2, x=1)], {"x": 1}, id="cleared, then set"),
    pytest.param([fields("a", 1, x=1), fields("b", 2)], {"x": 1}, id="an empty one changes nothing"),
    pytest.param([flow("a", 1, rules(enabled=True))], {"rules!": True}, id="a workflow enabled"),
    pytest.param([flow("a", 1, rules(enabled=False))], {"rules!": False}, id="a workflow disabled"),
    pytest.param([flow("a", 1, rules())], {}, id="a workflow named and not changed"),
    pytest.param([flow("a", 1, rules(fields={"x": 1}))], {"rules.x": 1}, id="a field of a workflow"),
    pytest.param(
        [flow("a", 1, rules(enabled=True)), flow("b", 2, rules(fields={"x": 1}))],
        {"rules!": True, "rules.x": 1},
        id="enabled, then a field: still enabled",
    ),
    pytest.param(
        [flow("a", 1, rules(enabled=True)), flow("b", 2, rules(enabled=False))], {"rules!": False}, id="the last word"
    ),
    pytest.param(
        [flow("a", 1, rules(fields={"x": 1})), flow("b", 2, rules(fields={"x": 2, "y": 3}))],
        {"rules.x": 2, "rules.y": 3},
        id="the last value of a workflow's field",
    ),
    pytest.param(
        [flow("a", 1, rules(enabled=True), {"id": "other", "fields": {"x": 1}})],
        {"rules!": True, "other.x": 1},
        id="two workflows in one change",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), ADDED)
def test_changes_are_laid_over_one_another(changes: list[Entry], expected: dict[str, Any]) -> None:
    patch = Patch()
    for change in changes:
        patch.add(change.event)  # type: ignore[arg-type]

    assert plain(patch) == expected
    assert patch.steps() == {step(path) for path in expected}
    assert plain(fold_configs(changes, [], ACCOUNT)[0].patch if changes else Patch()) == expected


def test_a_workflow_of_which_nothing_changes_is_not_sent() -> None:
    waiting, done = [flow("a", 1, rules()), flow("b", 2, rules(enabled=True))], flow("z", 9, rules(enabled=False))

    assert [fold.patch.workflows for fold in fold_configs(waiting, [done], ACCOUNT)] == [{}]


def step(path: str) -> tuple[str, ...]:
    id_, dot, name = path.partition(".")
    if dot:
        return "workflow", id_, "field", name
    return ("workflow", path[:-1], "enabled") if path.endswith("!") else ("field", path)


def whole() -> Patch:
    workflows = {"rules": WorkflowChange(enabled=True, fields={"x": 1, "y": None})}
    return Patch(fields={"x": 1, "y": None}, workflows=workflows)


WHOLE = {"x": 1, "y": None, "rules!": True, "rules.x": 1, "rules.y": None}

#: A change that is done and later, and what it leaves out of a patch that sets everything.
DROPPED = [
    pytest.param(fields("z", 9), set(), id="it set nothing"),
    pytest.param(fields("z", 9, x=2), {"x"}, id="it set a field"),
    pytest.param(fields("z", 9, x=None), {"x"}, id="it cleared a field"),
    pytest.param(fields("z", 9, y=2), {"y"}, id="it set a field that is to be cleared"),
    pytest.param(fields("z", 9, x=2, y=2), {"x", "y"}, id="it set all fields"),
    pytest.param(fields("z", 9, other=2), set(), id="it set another field"),
    pytest.param(flow("z", 9, rules()), set(), id="it named the workflow"),
    pytest.param(flow("z", 9, rules(enabled=True)), {"rules!"}, id="it enabled the workflow"),
    pytest.param(flow("z", 9, rules(enabled=False)), {"rules!"}, id="it disabled the workflow"),
    pytest.param(flow("z", 9, rules(fields={"x": 2})), {"rules.x"}, id="it set a field of the workflow"),
    pytest.param(flow("z", 9, rules(fields={"y": 2})), {"rules.y"}, id="it set one that is to be cleared there"),
    pytest.param(flow("z", 9, rules(fields={"other": 2})), set(), id="it set another field of the workflow"),
    pytest.param(flow("z", 9, {"id": "other", "enabled": False, "fields": {"x": 2}}), set(), id="another workflow"),
    pytest.param(
        flow("z", 9, {"id": "other", "enabled": False}, rules(enabled=False)), {"rules!"}, id="another one first"
    ),
    pytest.param(
        flow("z", 9, rules(enabled=False, fields={"x": 2, "y": 2})), {"rules!", "rules.x", "rules.y"}, id="all of it"
    ),
]


@pytest.mark.parametrize(("later", "dropped"), DROPPED)
def test_what_a_later_change_set_is_left_out(later: Entry, dropped: set[str]) -> None:
    patch = whole()
    patch.drop(later.event)  # type: ignore[arg-type]

    assert plain(patch) == {path: value for path, value in WHOLE.items() if path not in dropped}


# --- several changes --------------------------------------------------------------------------------------------------


def done(id_: str, second: float, config_id: str | None = None, **values: Any) -> Entry:
    return fields(id_, second, status="done", config_id=config_id, **values)


#: Changes that wait, those that are done; for each config, in order: its id, the patch, the changes, those with a part.
FOLDED = [
    pytest.param([], [], [], id="nothing at all"),
    pytest.param([], [done("z", 9, x=2)], [], id="nothing waits"),
    pytest.param([fields("a", 1)], [], [("acme", {}, "a", "a")], id="an empty change asks for a read"),
    pytest.param([fields("a", 1, x=1)], [], [("acme", {"x": 1}, "a", "a")], id="one change"),
    pytest.param(
        [fields("a", 1, x=1), fields("b", 2, x=2)], [], [("acme", {"x": 2}, "ab", "b")], id="the last has the only part"
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("b", 2, x=1)], [], [("acme", {"x": 1}, "ab", "b")], id="the same value twice"
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("b", 2, y=2)], [], [("acme", {"x": 1, "y": 2}, "ab", "ab")], id="both have a part"
    ),
    pytest.param(
        [fields("a", 1, x=1, y=1), fields("b", 2, y=2)],
        [],
        [("acme", {"x": 1, "y": 2}, "ab", "ab")],
        id="the first has still a part in what the last leaves",
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("b", 2, x=2, y=2), fields("c", 3, x=3)],
        [],
        [("acme", {"x": 3, "y": 2}, "abc", "bc")],
        id="the first of three has none",
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("b", 2)], [], [("acme", {"x": 1}, "ab", "ab")], id="the last is empty and counts"
    ),
    pytest.param([fields("a", 1), fields("b", 2, x=1)], [], [("acme", {"x": 1}, "ab", "b")], id="the first is empty"),
    pytest.param(
        [flow("a", 1, rules(enabled=True)), flow("b", 2, rules(fields={"x": 1}))],
        [],
        [("acme", {"rules!": True, "rules.x": 1}, "ab", "ab")],
        id="enabling and a field are two things",
    ),
    pytest.param(
        [fields("a", 1, x=1), flow("b", 2, rules(fields={"x": 1}))],
        [],
        [("acme", {"x": 1, "rules.x": 1}, "ab", "ab")],
        id="a workflow's field is another one",
    ),
    # others are done
    pytest.param([fields("a", 1, x=1)], [done("b", 2, x=2)], [("acme", {}, "a", "a")], id="a done later one set it"),
    pytest.param([fields("b", 2, x=1)], [done("a", 1, x=2)], [("acme", {"x": 1}, "b", "b")], id="a done earlier one"),
    pytest.param(
        [fields("b", 1, x=1)], [done("a", 1, x=2)], [("acme", {"x": 1}, "b", "b")], id="in one moment, with a lower id"
    ),
    pytest.param(
        [fields("a", 1, x=1)], [done("b", 1, x=2)], [("acme", {}, "a", "a")], id="in one moment, with a higher id"
    ),
    pytest.param(
        [fields("a", 1, x=1, y=1)],
        [done("b", 2, x=2), done("c", 3, y=2)],
        [("acme", {}, "a", "a")],
        id="two done later ones set all of it",
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("c", 3, x=3)],
        [done("b", 2, x=2)],
        [("acme", {"x": 3}, "ac", "c")],
        id="one is done between two that wait",
    ),
    pytest.param(
        [fields("a", 1, x=1), fields("c", 3, y=3)],
        [done("b", 2, x=2)],
        [("acme", {"y": 3}, "ac", "c")],
        id="one is done between, and the first has no part",
    ),
    pytest.param(
        [flow("a", 1, rules(enabled=True)), flow("c", 3, rules(fields={"x": 1}))],
        [flow("b", 2, rules(enabled=False), status="done")],
        [("acme", {"rules.x": 1}, "ac", "c")],
        id="whether a workflow is enabled was decided later",
    ),
    pytest.param(
        [flow("a", 1, rules(enabled=True)), flow("c", 3, rules(enabled=True))],
        [flow("b", 2, rules(enabled=False), status="done")],
        [("acme", {"rules!": True}, "ac", "c")],
        id="and decided anew after that",
    ),
    # several configs
    pytest.param(
        [fields("a", 1, config_id="two", x=1), fields("b", 2, x=2), fields("c", 3, config_id="two", x=3)],
        [],
        [("two", {"x": 3}, "ac", "c"), ("acme", {"x": 2}, "b", "b")],
        id="two configs, in the order of their first changes",
    ),
    pytest.param(
        [fields("a", 1, config_id="acme", x=1), fields("b", 2, y=2)],
        [],
        [("acme", {"x": 1, "y": 2}, "ab", "ab")],
        id="one config, named and not named",
    ),
    pytest.param(
        [fields("a", 1, x=1)],
        [done("b", 2, config_id="two", x=2)],
        [("acme", {"x": 1}, "a", "a")],
        id="a done later one of another config",
    ),
    pytest.param(
        [fields("a", 1, config_id="two", x=1), fields("b", 2, x=1)],
        [done("c", 3, config_id="two", x=2)],
        [("two", {}, "a", "a"), ("acme", {"x": 1}, "b", "b")],
        id="a done later one of one of two configs",
    ),
]


@pytest.mark.parametrize(("entries", "later", "expected"), FOLDED)
def test_changes_are_folded_config_by_config(
    entries: list[Entry], later: list[Entry], expected: list[tuple[str, dict[str, Any], str, str]]
) -> None:
    folds = fold_configs(entries, later, ACCOUNT)

    assert [
        (
            "/".join(part for part in fold.key if part),
            plain(fold.patch),
            "".join(entry.logged.id for entry in fold.entries),
            "".join(sorted(id_ for _, id_ in fold.parts())),
        )
        for fold in folds
    ] == expected


def test_a_fold_of_nothing_has_no_parts() -> None:
    assert FoldedConfig(ConfigKey("acme")).parts() == set()


def test_the_events_of_a_fold_are_not_changed_by_it() -> None:
    first, second = flow("a", 1, rules(enabled=True, fields={"x": 1})), flow("b", 2, rules(fields={"x": 2}))
    fold_configs([first, second], [], ACCOUNT)

    assert [first.event.payload()["workflows"], second.event.payload()["workflows"]] == [
        [rules(enabled=True, fields={"x": 1})],
        [rules(fields={"x": 2})],
    ]


def test_a_change_names_its_config_or_means_the_one_with_the_accounts_id() -> None:
    assert config_key_of(fields("a", 1, config_id="two"), ACCOUNT) == ConfigKey("two")
    assert config_key_of(fields("a", 1), ACCOUNT) == ConfigKey(ACCOUNT)
    assert config_key_of(fields("a", 1, connection_id="c1"), ACCOUNT) == ConfigKey(ACCOUNT, "c1")
    with pytest.raises(AssertionError):
        config_key_of(authorized("a"), ACCOUNT)
