"""The closed sets: the constraints are made from them as the migrations wrote them, and code names only members."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Table
from sqlalchemy.dialects import sqlite

from cobalt_mirror.db import log, statuses
from cobalt_mirror.db.columns import OneOf
from cobalt_mirror.db.statuses import EventStatus, PauseScope, RunEnding, StateKey
from cobalt_mirror.db.tables import configs, connections, events, linked_accounts, metadata, workflow_runs
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.cli.app import COMMANDS

ROOT = Path(__file__).parents[3]
SETS = [each for each in vars(statuses).values() if isinstance(each, type) and issubclass(each, StrEnum)][1:]
FIRST = "0001_create_event_log_and_mirror"
#: What a closed set's word is assigned to or compared with.
NAMES = {"status", "move", "kind", "outcome", "lane", "type", "what"}


@pytest.mark.parametrize(
    ("table", "written", "version"),
    [
        (events, "status IN ('pending', 'done', 'superseded', 'dead', 'discarded')", "0022_add_events_discarded"),
        (linked_accounts, "status IN ('pending', 'active', 'missing', 'deleted')", FIRST),
        (connections, "status IN ('connected', 'reauth_required', 'disconnected')", FIRST),
        (configs, "status IN ('installed', 'deleted')", FIRST),
    ],
)
def test_a_constraint_says_what_the_last_migration_of_it_wrote(table: Table, written: str, version: str) -> None:
    (constraint,) = (each for each in table.constraints if isinstance(each, CheckConstraint))

    assert str(constraint.sqltext) == written
    assert f'"{written}"' in (ROOT / "alembic" / "versions" / f"{version}.py").read_text()


def test_every_set_but_keys_of_the_table_state_and_names_of_counters_is_the_type_of_a_column() -> None:
    columns = [column for table in metadata.tables.values() for column in table.c]

    others = {StateKey, PauseScope, RunEnding}
    assert {each.type.members for each in columns if isinstance(each.type, OneOf)} == set(SETS) - others


def test_every_ending_of_a_run_has_a_counter() -> None:
    assert {ending.value for ending in RunEnding} <= {column.name for column in workflow_runs.c}


def test_a_word_that_is_in_no_set_does_not_get_into_a_statement() -> None:
    column = OneOf(EventStatus)

    assert column.process_bind_param("dead", sqlite.dialect()) == "dead"
    assert column.process_bind_param(None, sqlite.dialect()) is None
    with pytest.raises(ValueError, match="'ded' is not a valid EventStatus"):
        column.process_bind_param("ded", sqlite.dialect())


def test_what_is_read_is_a_member() -> None:
    column = OneOf(EventStatus)

    assert column.process_result_value("dead", sqlite.dialect()) is EventStatus.DEAD
    assert column.process_result_value(None, sqlite.dialect()) is None


def test_code_names_members_and_writes_no_word_of_a_set() -> None:
    """mypy finds a misspelt member. It cannot find a misspelt word, since a member is also a `str`."""
    schemas = {ROOT / "workers/web/openapi.py", ROOT / "workers/web/parameters.py"}  # whose types are JSON Schema's
    files = {*(ROOT / "db").rglob("*.py"), *(ROOT / "workers").rglob("*.py")} - schemas
    words = {(str(file.relative_to(ROOT)), word) for file in files for word in _words(file)}

    others = {
        ("workers/handlers/authorizing.py", "active"),  # Cobalt's word about one connected account
        ("workers/handlers/reading.py", "active"),
        ("workers/cli/app.py", COMMANDS["status"]),  # the command of that name
        ("workers/demo/run.py", "token_renewed"),  # an effect in the sandbox's ledger
        ("workers/web/probes.py", "alive"),  # what a probe answers
    }
    assert words == others


def _words(file: Path) -> Iterator[str]:
    """Every plain word that stands where a file assigns, passes or compares a member of a closed set."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Compare() if any(_is_named(side) for side in (node.left, *node.comparators)):
                yield from (word for side in (node.left, *node.comparators) for word in _texts(side))
            case ast.keyword(arg=str(name), value=value) if name in NAMES:
                yield from _texts(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in NAMES:
                yield from _texts(value)
            case ast.Dict(keys=keys, values=values):
                yield from (
                    word
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, ast.Constant) and key.value in NAMES
                    for word in _texts(value)
                )


def _is_named(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))) | ast.Name(id=name):
            return name in NAMES
    return False


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(word)):
            yield word
        case ast.Set(elts=items) | ast.List(elts=items) | ast.Tuple(elts=items):
            yield from (word for item in items for word in _texts(item))


def test_db_knows_two_types_of_events_by_name() -> None:
    assert log.SIGN_UP == EventType.USER_SIGNED_UP
    assert log.DELETION == EventType.USER_DELETED
