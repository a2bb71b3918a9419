"""Rules about the source tree itself that no linter checks for us."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("alembic", "benchmarks", "cobalt", "db", "events", "tests", "workers")
LONGEST_FILE = 400


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}

    assert "workers/guard.py" in lengths
    assert {file: length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_migrations_folder_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
