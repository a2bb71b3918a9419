"""Rules about the source tree itself that no linter checks for us."""

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("alembic", "benchmarks", "cobalt", "cobalt_mirror", "db", "events", "examples", "tests", "workers")
#: What is imported as `cobalt_mirror.NAME`.
PACKAGES = ("cobalt", "db", "events", "workers")
LONGEST_FILE = 300
#: Lines of a function below its signature and docstring.
LONGEST_FUNCTION = 50


@dataclass(frozen=True, slots=True)
class Source:
    """What the rules want to know of a file.

    Attributes:
        functions: each function with the number of its lines below signature and docstring.
        imports: the module and the name of everything that it imports; the name is empty for a whole module.
    """

    functions: list[tuple[str, int]] = field(default_factory=list)
    imports: list[tuple[str, str]] = field(default_factory=list)


@cache
def read(file: Path) -> Source:
    """Return what a file is made of. Several rules ask, and to parse all files takes seconds."""
    source = Source()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            source.functions.append((node.name, (node.end_lineno or 0) - body[0].lineno + 1 if body else 0))
        elif isinstance(node, ast.Import):
            source.imports.extend((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source.imports.extend((node.module or "", alias.name) for alias in node.names)
    return source


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}

    assert "workers/local/reaper.py" in lengths
    assert {file: length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_reader_can_hold() -> None:
    """A version of the schema is a list of declarations, which may be as long as it has to be."""
    files = [file for folder in FOLDERS if folder != "alembic" for file in (ROOT / folder).rglob("*.py")]
    lengths = {f"{file.relative_to(ROOT)}::{name}": length for file in files for name, length in read(file).functions}

    assert lengths["workers/handlers/connections.py::handle_connection"] > 10
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_only_db_knows_sql() -> None:
    """Others hand engines, connections, sessions and tables on, and map errors; they build no statement."""
    handed_on = {"Connection", "Engine", "Session", "Table", "make_url"}
    files = [file for folder in ("cobalt_mirror/django", "events", "workers") for file in (ROOT / folder).rglob("*.py")]
    taken = {
        (str(file.relative_to(ROOT)), name)
        for file in files
        for module, name in read(file).imports
        if module.partition(".")[0] == "sqlalchemy" and module != "sqlalchemy.exc"
    }

    assert ("workers/handlers/attempt.py", "Engine") in taken
    assert {(file, name) for file, name in taken if name not in handed_on} == set()


def test_ours_is_imported_by_one_name() -> None:
    """A checkout lies on the path of its own environment, so the plain names work there, and nowhere else."""
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    modules = {(str(file.relative_to(ROOT)), module) for file in files for module, _ in read(file).imports}

    assert ("workers/actors.py", "cobalt_mirror.db.errors") in modules
    assert {(file, module) for file, module in modules if module.partition(".")[0] in PACKAGES} == set()
    assert {package: (ROOT / "cobalt_mirror" / package).resolve() for package in PACKAGES} == {
        package: ROOT / package for package in PACKAGES
    }


def test_the_migrations_folder_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
