"""The README and the pages in docs/, and functions to read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EVENTS = (ROOT / "docs" / "events.md").read_text("utf-8")
OUTCOMES = (ROOT / "docs" / "outcomes.md").read_text("utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def block(page: str, language: str, part: str) -> str:
    """Return the one code block that contains a text."""
    [match] = [candidate for candidate in blocks(page, language) if part in candidate]
    return match


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading line."""
    below = page.partition(f"{heading}\n")[2].splitlines()[1:]
    table = [line for line in below[: below.index("")] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
