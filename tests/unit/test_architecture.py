"""docs/architecture.md names folders, files and functions that are there, and leaves no room out."""

import ast
import re
from pathlib import Path

import pytest

from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.workers.outcomes import Verdict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

FOLDERS = re.findall(r"^\| `([a-z_/]+/)` \|", PAGE, re.MULTILINE)
FILES = sorted(set(re.findall(r"`([a-z_/]+\.(?:py|md))`", PAGE)))
FUNCTIONS = sorted(set(re.findall(r"`([a-z_/]+\.py)::([A-Za-z_.]+)`", PAGE)))
#: Folders of code that a reader of the tree meets.
ROOMS = sorted(
    f"{path.relative_to(ROOT)}/"
    for top in ("alembic", "benchmarks", "cobalt", "cobalt_mirror/django", "db", "events", "workers")
    for path in [ROOT / top, *(ROOT / top).rglob("*")]
    if path.is_dir() and path.name not in {"__pycache__", "var"}
)


@pytest.mark.parametrize("folder", ROOMS)
def test_every_room_has_its_line(folder: str) -> None:
    assert folder in FOLDERS


@pytest.mark.parametrize("path", [*FOLDERS, *FILES])
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("file", "name"), FUNCTIONS)
def test_every_function_is_in_its_file(file: str, name: str) -> None:
    assert name in defined_in(ROOT / file)


def test_the_walks_name_what_they_pass_through() -> None:
    walks = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)

    assert walks == ["Publish", "Attempt", "Follow", "Notify", "Webhook", "Reconnect", "Page", "Reconcile", "Prune"]
    assert len(FUNCTIONS) >= 30


@pytest.mark.parametrize("word", [*EventStatus, *Verdict])
def test_the_states_of_an_event_and_what_an_attempt_decides_are_all_told(word: str) -> None:
    assert f"`{word}`" in PAGE


def defined_in(file: Path) -> set[str]:
    """Functions and classes of a file; a method is `Class.method`."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names
