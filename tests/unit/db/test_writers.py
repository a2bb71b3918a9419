"""One module writes the mirror, one its history and one the change feed, so that no change of a row goes unrecorded."""

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "db"
WRITERS = {
    "applications": "mirror.py",
    "changes": "feed.py",
    "configs": "mirror.py",
    "connections": "mirror.py",
    "history": "history.py",
    "linked_accounts": "mirror.py",
}
#: What writes a table: a function that takes it, or its method.
WRITES = {"delete", "insert", "insert_into", "record_row", "update", "upsert"}


def test_each_table_of_the_mirror_has_one_writer() -> None:
    writes = {(table, file.name) for file in FOLDER.glob("*.py") for table in written(file) if table in WRITERS}

    writes -= {("history", "pruning.py"), ("changes", "pruning.py")}  # which takes away what is old
    assert ("history", "history.py") in writes
    assert ("applications", "mirror.py") in writes
    assert writes <= set(WRITERS.items())


def test_a_write_through_a_loop_over_tables_is_one_of_a_writer() -> None:
    """`for table in (connections, configs): update(table)` names no table in its call."""
    files = {file.name for file in FOLDER.glob("*.py") if "table" in written(file)}

    assert files == {"engine.py", "erasure.py", "mirror.py", "pruning.py", "recordset.py", "runs.py"}
    for name in ("erasure.py", "recordset.py", "runs.py"):
        assert {*imported(FOLDER / name)} & WRITERS.keys() == set()


def written(file: Path) -> set[str]:
    """The names of the tables that a file's calls write, as far as the calls name them."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {name for call in calls for name in _written(call)}


def _written(call: ast.Call) -> Iterator[str]:
    match call.func:
        case ast.Name(id=function) | ast.Attribute(attr=function) if function in WRITES:
            parts = [*call.args, *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
            yield from (part.id for part in parts if isinstance(part, ast.Name))


def imported(file: Path) -> Iterator[str]:
    """Every name that a file imports from another."""
    imports = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom))
    return (alias.name for node in imports for alias in node.names)
