"""What several sign-ups of one account come to: one upsert, and which of the events have a part in it."""

from typing import Any

import pytest

from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import fold_sign_ups
from tests.unit.entries import deleted, signed_up


def pending(id_: str, second: float, **payload: Any) -> Entry:
    return signed_up(id_, second, payload=payload)


def done(id_: str, second: float, **payload: Any) -> Entry:
    return signed_up(id_, second, payload=payload, status="done")


NAME, UDF, LOGIN = {"name": "Acme"}, {"udf": {"plan": "pro"}}, {"auth_credentials": {"token": "t"}}

#: The events that wait, those that are done, the arguments of the upsert, and the ids of the events with a part in it.
ROWS = [
    # fields, one by one
    pytest.param([pending("a", 1, **NAME, **UDF, **LOGIN)], [], {**NAME, **UDF, **LOGIN}, "a", id="one says it all"),
    pytest.param([pending("a", 1)], [], {}, "a", id="one says nothing, and is carried out all the same"),
    pytest.param([pending("a", 1, **NAME)], [], NAME, "a", id="only a name"),
    pytest.param([pending("a", 1, **UDF)], [], UDF, "a", id="only user-defined fields"),
    pytest.param([pending("a", 1, **LOGIN)], [], LOGIN, "a", id="only credentials"),
    pytest.param([pending("a", 1, udf={})], [], {"udf": {}}, "a", id="no user-defined fields at all is said as well"),
    pytest.param([pending("a", 1, auth_credentials={})], [], {}, "a", id="empty credentials say nothing"),
    # several that wait
    pytest.param(
        [pending("a", 1, **NAME), pending("b", 2, name="New")], [], {"name": "New"}, "b", id="the last name wins"
    ),
    pytest.param(
        [pending("a", 1, **UDF), pending("b", 2, udf={"size": "s"})],
        [],
        {"udf": {"size": "s"}},
        "b",
        id="the last user-defined fields replace the others",
    ),
    pytest.param(
        [pending("a", 1, **LOGIN), pending("b", 2, auth_credentials={"key": "k"})],
        [],
        {"auth_credentials": {"key": "k"}},
        "b",
        id="the last credentials win",
    ),
    pytest.param(
        [pending("a", 1, **LOGIN), pending("b", 2, auth_credentials={})],
        [],
        LOGIN,
        "ab",
        id="empty credentials clear none",
    ),
    pytest.param(
        [pending("a", 1, **UDF), pending("b", 2, udf={})],
        [],
        {"udf": {}},
        "b",
        id="empty user-defined fields clear them",
    ),
    pytest.param(
        [pending("a", 1, **NAME), pending("b", 2, **UDF), pending("c", 3, **LOGIN)],
        [],
        {**NAME, **UDF, **LOGIN},
        "abc",
        id="each says something else",
    ),
    pytest.param(
        [pending("a", 1, **NAME), pending("b", 2)],
        [],
        NAME,
        "ab",
        id="the last one says nothing and has a part all the same",
    ),
    pytest.param(
        [pending("a", 1, **NAME), pending("b", 2, name="Mid"), pending("c", 3, name="New")],
        [],
        {"name": "New"},
        "c",
        id="what is between has no part",
    ),
    pytest.param(
        [pending("a", 1, **NAME), pending("b", 1, name="New")],
        [],
        {"name": "New"},
        "b",
        id="in one moment, the id decides",
    ),
    pytest.param(
        [signed_up("a", 1, payload=NAME, source="x"), signed_up("a", 1, payload={"name": "New"}, source="y")],
        [],
        {"name": "New"},
        "a",
        id="in one moment and with one id, the source decides",
    ),
    # others are done already
    pytest.param(
        [pending("a", 1, **NAME)], [done("b", 2, name="New")], {}, "", id="what a done later one set is not set again"
    ),
    pytest.param(
        [pending("a", 1, **NAME, **UDF)], [done("b", 2, name="New")], UDF, "a", id="what it left out is still set"
    ),
    pytest.param(
        [pending("a", 1, **NAME)], [done("b", 2, **UDF)], NAME, "a", id="a done later one that set something else"
    ),
    pytest.param(
        [pending("a", 1)], [done("b", 2)], {}, "", id="nothing said, and a later one is done: nothing is asked"
    ),
    pytest.param(
        [pending("b", 2)], [done("a", 1)], {}, "b", id="nothing said, and an earlier one is done: it is asked"
    ),
    pytest.param(
        [pending("b", 2, **NAME)], [done("a", 1, name="Old")], NAME, "b", id="a done earlier one stands in nobody's way"
    ),
    pytest.param(
        [pending("b", 1, **NAME)], [done("a", 1, name="Old")], NAME, "b", id="done in the same moment, with a lower id"
    ),
    pytest.param(
        [pending("a", 1, **NAME)], [done("b", 1, name="Old")], {}, "", id="done in the same moment, with a higher id"
    ),
    pytest.param(
        [pending("a", 1, **NAME), pending("c", 3, **UDF)],
        [done("b", 2, name="New", udf={})],
        UDF,
        "c",
        id="one is done between two that wait",
    ),
    pytest.param(
        [pending("a", 1, **NAME, **UDF)],
        [done("b", 2, name="New"), done("c", 3, udf={})],
        {},
        "",
        id="two done later ones set all of it",
    ),
    pytest.param(
        [pending("b", 2, **NAME)],
        [done("a", 1), done("c", 3)],
        NAME,
        "b",
        id="the last of the done ones is later, and says nothing",
    ),
    pytest.param(
        [pending("b", 2)], [done("a", 1), done("c", 3)], {}, "", id="the last of the done ones decides who is the last"
    ),
    pytest.param([pending("a", 1, **NAME)], [deleted("b", 2, status="done")], NAME, "a", id="a deletion sets nothing"),
    # credentials of a done one are not kept: its row notes that there were some
    pytest.param(
        [pending("a", 1, **LOGIN)], [done("b", 2, had_credentials=True)], {}, "", id="a done later one had credentials"
    ),
    pytest.param(
        [pending("a", 1, **LOGIN)], [done("b", 2, had_credentials=False)], LOGIN, "a", id="a done later one had none"
    ),
    pytest.param(
        [pending("b", 2, **LOGIN)], [done("a", 1, had_credentials=True)], LOGIN, "b", id="a done earlier one had some"
    ),
    pytest.param(
        [pending("a", 1, **NAME, **LOGIN)],
        [done("b", 2, had_credentials=True)],
        NAME,
        "a",
        id="that one had credentials says nothing of its name",
    ),
]


@pytest.mark.parametrize(("entries", "finished", "upsert", "parts"), ROWS)
def test_sign_ups_come_to_one_upsert(
    entries: list[Entry], finished: list[Entry], upsert: dict[str, Any], parts: str
) -> None:
    fold = fold_sign_ups(entries, finished)

    arguments = {"name": fold.name, "udf": fold.udf, "auth_credentials": fold.auth_credentials}
    assert {name: value for name, value in arguments.items() if value is not None} == upsert
    assert sorted(id_ for _, id_ in fold.parts) == list(parts)


def test_a_part_is_named_by_its_source_as_well() -> None:
    fold = fold_sign_ups([signed_up("a", 1, source="x"), signed_up("a", 1, source="y")], [])

    assert fold.parts == {("y", "a")}
