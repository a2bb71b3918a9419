"""The README and the pages in docs/, and functions to read them."""

import re
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
YOUR_APP = (DOCS / "your-app.md").read_text("utf-8")
EVENTS = (DOCS / "events.md").read_text("utf-8")
SETTINGS = (DOCS / "settings.md").read_text("utf-8")
OPERATIONS = (DOCS / "operations.md").read_text("utf-8")
HOSTING = (DOCS / "hosting.md").read_text("utf-8")
OUTCOMES = (DOCS / "outcomes.md").read_text("utf-8")
NOTICES = (DOCS / "notices.md").read_text("utf-8")
SANDBOX = (DOCS / "sandbox.md").read_text("utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def block(page: str, language: str, part: str) -> str:
    """Return the one code block that contains a text."""
    [match] = [candidate for candidate in blocks(page, language) if part in candidate]
    return match


def languages(page: str) -> list[str]:
    """Return the language of each code block of a page, in order."""
    return re.findall(r"^```(\w*)\n.*?^```$", page, flags=re.DOTALL | re.MULTILINE)


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of every table whose first line is `heading`."""
    cells: list[list[str]] = []
    for below in page.split(f"{heading}\n")[1:]:
        lines = takewhile(lambda line: line.startswith("|"), below.splitlines()[1:])
        cells += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return cells
