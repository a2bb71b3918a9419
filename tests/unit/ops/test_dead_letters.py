"""What a dry run counts and prints, and in which batches events are replayed."""

from dataclasses import replace
from typing import Any

import pytest

from cobalt_mirror.db.dead_letters import DeadFilter, DeadLetter
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.ops.dead_letters import command_for, count_reasons
from cobalt_mirror.workers.ops.replaying import AT_ONCE, batches_of
from tests.unit.entries import NOON


def letter(id_: str, account: str = "acme", **columns: Any) -> DeadLetter:
    row: dict[str, Any] = {
        "type": "config_changed",
        "slug": "slack",
        "occurred_at": NOON,
        "finished_at": NOON,
        "attempts": 1,
        "move": Move.OPERATOR,
        "reason": "no",
        **columns,
    }
    return DeadLetter(source="host", id=id_, linked_account_id=account, **row)


def test_reasons_are_counted_whatever_cobalts_id_of_the_request_was() -> None:
    letters = [
        letter("1", reason="404 (request_id a)"),
        letter("2", move=Move.CUSTOMER, reason="404 (request_id b)"),
        letter("3", reason="no key"),
        letter("4", reason="404 (request_id c)"),
        letter("5", reason=None),
        letter("6", reason="x" * 201),
        letter("7", reason="x" * 200),
    ]

    assert list(count_reasons(letters).items()) == [
        ((Move.CUSTOMER, "404"), 1),
        ((Move.OPERATOR, "404"), 2),
        ((Move.OPERATOR, "x" * 200), 2),
        ((Move.OPERATOR, "no key"), 1),
        ((Move.OPERATOR, "no reason is recorded"), 1),
    ]
    assert count_reasons([]) == {}


@pytest.mark.parametrize(
    ("wanted", "is_all", "more", "words"),
    [
        (DeadFilter(), True, {}, "--all --limit 7"),
        (DeadFilter(move=Move.CUSTOMER), False, {"by": "ann"}, "--move customer --limit 7 --by ann"),
        (DeadFilter(reason="it's gone"), False, {"by": None}, """--reason 'it'"'"'s gone' --limit 7"""),
        (
            DeadFilter(type="config_changed", slug="slack", account="acme", since=NOON),
            False,
            {"why": "a test"},
            "--type config_changed --slug slack --account acme --since 2026-01-31T12:00:00+00:00 --limit 7 "
            "--why 'a test'",
        ),
    ],
)
def test_the_command_is_one_that_a_shell_takes(
    wanted: DeadFilter, is_all: bool, more: dict[str, str | None], words: str
) -> None:
    command = command_for("replay", wanted, limit=7, is_all=is_all, **more)

    assert command == f"cobalt-mirror dead replay {words}"


def test_the_events_of_an_account_are_replayed_together_the_account_first_whose_event_died_first() -> None:
    many = [letter(f"m{number}", "many") for number in range(AT_ONCE + 1)]
    letters = [letter("1", "bob"), *many[:1], letter("2", "acme"), *many[1:], letter("3", "bob")]

    batches = [(account, [each.id for each in batch]) for account, batch in batches_of(letters)]

    assert [(account, len(ids)) for account, ids in batches] == [
        ("bob", 2),
        ("many", AT_ONCE),
        ("many", 1),
        ("acme", 1),
    ]
    assert batches[0] == ("bob", ["1", "3"])
    assert list(batches_of([])) == []


@pytest.mark.parametrize(
    ("changes", "is_named"),
    [({}, True), ({"slug": None}, True), ({"slug": b"x"}, False), ({"linked_account_id": b"x"}, False)],
)
def test_an_attempt_meets_only_what_has_names_of_text(changes: dict[str, Any], is_named: bool) -> None:
    assert replace(letter("1"), **changes).is_named is is_named
