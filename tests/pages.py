"""The README and the pages in docs/, and how tests read them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EVENTS = (ROOT / "docs" / "events.md").read_text("utf-8")
OUTCOMES = (ROOT / "docs" / "outcomes.md").read_text("utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

#: What is described in words and not yet in the tables and examples.
COMES_NEXT = re.compile("user_deleted", re.IGNORECASE)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def block(page: str, language: str, part: str) -> str:
    """The one code block that has some text in it."""
    [found] = [one for one in blocks(page, language) if part in one]
    return found


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below its first line."""
    below = page.partition(f"{heading}\n")[2].splitlines()[1:]
    table = [line for line in below[: below.index("")] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def finished(things: Mapping[str, T]) -> dict[str, T]:
    """Those of the things by name that the pages have to describe."""
    return {name: thing for name, thing in things.items() if not COMES_NEXT.fullmatch(name)}
