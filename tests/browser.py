"""A real Chromium for tests, driven by Playwright: the machine's own, or the one that Playwright has installed."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.pages import ROOT

#: Names of the command, in the order in which they are tried. `CHROMIUM` names another one.
_COMMANDS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
#: Where screenshots lie after a run: `var` is not in git.
SCREENSHOTS = ROOT / "var" / "screenshots"
#: Root may not use Chromium's own isolation, and the pages are all ours.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


def find_chromium() -> str | None:
    """Find the command; None: only Playwright may have one."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in _COMMANDS if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser; skip the test, in one line, if there is none."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=_ARGUMENTS)
        except Error as error:
            pytest.skip(
                "no Chromium here, so no page was tried in a browser; run `apt-get install chromium` or "
                "`.venv/bin/playwright install chromium`, or set CHROMIUM to one "
                f"({error.message.splitlines()[0][:120]})"
            )
        try:
            yield browser
        finally:
            browser.close()


def screenshot_file(name: str) -> Path:
    """Return where a screenshot of this name is kept."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
