"""Which finished events convergence still needs. Newest first: each row names what is kept, of what went before it."""

from collections.abc import Sequence
from typing import Any

import pytest

from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.ops.keeping import Keeper
from tests.unit.entries import authorized, changed, config_removed, deleted, removed, signed_up

DONE: dict[str, Any] = {"status": "done"}


def change(id_: str, second: float, fields: dict[str, object], **payload: object) -> Entry:
    return changed(id_, second, {"fields": fields, **payload}, **DONE)


def workflow(id_: str, second: float, **changes: object) -> Entry:
    return changed(id_, second, {"workflows": [{"id": "notify", **changes}]}, **DONE)


def sign_up(id_: str, second: float, **payload: object) -> Entry:
    return signed_up(id_, second, payload=payload, **DONE)


#: Events in any order, and those that are needed.
ROWS = [
    pytest.param([change("a", 1, {"x": 1})], "a", id="the only one"),
    pytest.param([change("a", 1, {"x": 1}), change("b", 2, {"x": 2})], "b", id="a newer one sets the same"),
    pytest.param([change("a", 1, {"x": 1}), change("b", 1, {"x": 2})], "b", id="of one time, the later id"),
    pytest.param([change("a", 1, {"x": 1, "y": 1}), change("b", 2, {"x": 2})], "ab", id="one field is newest in it"),
    pytest.param([change("a", 1, {"x": 1}), change("b", 2, {"x": None})], "b", id="a newer one clears the same"),
    pytest.param(
        [change("a", 1, {"x": 1}), change("b", 2, {"x": 2}, config_id="second")], "ab", id="the configs are two"
    ),
    pytest.param(
        [change("a", 1, {"x": 1}, connection_id="c1"), change("b", 2, {"x": 2}, connection_id="c2")],
        "ab",
        id="the connections are two",
    ),
    pytest.param(
        [
            changed("a", 1, {"fields": {"x": 1}}, effect={"connection_id": "c1"}, **DONE),
            change("b", 2, {"x": 2}, connection_id="c1"),
        ],
        "b",
        id="the row says which connection was meant",
    ),
    pytest.param([changed("a", 1, **DONE), change("b", 2, {"x": 2})], "b", id="one without content wanted a read"),
    pytest.param([change("a", 1, {"x": 1}), changed("b", 2, **DONE)], "ab", id="one without content sets nothing"),
    pytest.param([workflow("a", 1, enabled=True), workflow("b", 2, enabled=False)], "b", id="a workflow's switch"),
    pytest.param(
        [workflow("a", 1, enabled=True), workflow("b", 2, fields={"x": 1})], "ab", id="a workflow's field, its switch"
    ),
    pytest.param(
        [workflow("a", 1, fields={"x": 1}), workflow("b", 2, fields={"x": 2})], "b", id="a field of a workflow"
    ),
    pytest.param([change("a", 1, {"x": 1}), config_removed("b", 2, **DONE)], "b", id="its config was removed later"),
    pytest.param([config_removed("a", 1, **DONE), change("b", 2, {"x": 1})], "ab", id="and was made again"),
    pytest.param(
        [change("a", 1, {"x": 1}), config_removed("b", 2, {"config_id": "second"}, **DONE)],
        "ab",
        id="another config was removed",
    ),
    pytest.param([config_removed("a", 1, **DONE), config_removed("b", 2, **DONE)], "b", id="two removals of a config"),
    pytest.param([removed("a", 1, **DONE), removed("b", 2, **DONE)], "ab", id="what each removal took is needed"),
    pytest.param([authorized("a", 1, **DONE), authorized("b", 2, **DONE)], "b", id="two authorisations"),
    pytest.param(
        [authorized("a", 1, auth_type="oauth2", **DONE), authorized("b", 2, **DONE)], "ab", id="one names an auth type"
    ),
    pytest.param([sign_up("a", 1, name="A"), sign_up("b", 2, name="B")], "b", id="two sign-ups set the name"),
    pytest.param([sign_up("a", 1, name="A"), sign_up("b", 2, udf={})], "ab", id="each sets one thing"),
    pytest.param(
        [sign_up("a", 1, had_credentials=True), sign_up("b", 2, name="B"), sign_up("c", 3, name="C")],
        "ac",
        id="credentials that are not in the row any more",
    ),
    pytest.param([sign_up("a", 1), deleted("b", 2, **DONE)], "ab", id="the newest sign-up, and the newest of all"),
    pytest.param(
        [change("a", 1, {"x": 1}), changed("b", 2, {"fields": {"x": 2}}, slug="slack", **DONE)],
        "ab",
        id="the applications are two",
    ),
]


@pytest.mark.parametrize(("entries", "needed"), ROWS)
def test_the_newest_event_that_says_a_thing_is_needed(entries: Sequence[Entry], needed: str) -> None:
    keeper = Keeper()
    newest_first = sorted(entries, key=lambda entry: entry.order, reverse=True)

    assert sorted(entry.logged.id for entry in newest_first if keeper.needs(entry)) == list(needed)
