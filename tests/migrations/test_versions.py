"""A version says what it said when it was written, whatever becomes of the code."""

import ast
import re
from pathlib import Path

import pytest

from tests.migrations.processes import ROOT

VERSIONS = sorted((ROOT / "alembic" / "versions").glob("*.py"))


def imports_of(file: Path) -> set[str]:
    """The top-level names of all that a file imports."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_version_imports_no_code_of_ours(file: Path) -> None:
    assert imports_of(file) <= {"alembic", "contextlib", "sqlalchemy"}


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_file_is_named_after_its_version_and_the_change(file: Path) -> None:
    assert re.fullmatch(r"\d{4}(_[a-z0-9]+){2,}", file.stem)
    assert f'revision = "{file.stem[:4]}"' in file.read_text()


def test_the_template_warns_and_imports_no_code_of_ours() -> None:
    template = (ROOT / "alembic" / "script.py.mako").read_text()

    assert "WARNING" in template
    assert re.findall(r"^(?:import|from) (\w+)", template, re.MULTILINE) == ["sqlalchemy", "alembic"]
