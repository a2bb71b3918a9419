"""The vendor's SDK is in the package as npm has it, with its licence, and is served as a module."""

import hashlib
import re
from pathlib import Path

import pytest

from cobalt_mirror.workers.web.page.assets import BUNDLED_SDK, Assets, as_module
from cobalt_mirror.workers.web.page.headers import security_headers

#: Of `cobalt.js` in the package whose integrity tests/integration/sandbox/test_browser_sdk.py names.
DIGEST = "42e7ea394d3b515fa71682a87321257c5c53425d9d67cc8d02c099f8fcd7946f"


def test_the_bundled_sdk_is_the_vendor_s_own_file_and_its_licence_lies_beside_it() -> None:
    assert hashlib.sha256(BUNDLED_SDK.read_bytes()).hexdigest() == DIGEST
    assert "MIT License" in (BUNDLED_SDK.parent / "LICENSE").read_text()


def test_an_sdk_that_is_a_module_is_served_as_it_is() -> None:
    source = "class Refold {}\nexport { Refold };\n"

    assert as_module(source) == source
    assert as_module("exports.Refold = class {};").count("export const") == 2
    assert as_module("  // export nothing\nexports.Refold = class {};").count("export const") == 2


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    other = tmp_path / "refold.js"
    other.write_text("exports.Refold = class {};")

    assert Assets().digest == Assets().digest != Assets(other).digest
    with pytest.raises(FileNotFoundError):
        Assets(tmp_path / "none.js")


def test_a_browser_may_run_and_ask_only_what_the_page_needs() -> None:
    headers = security_headers(nonce="abc", cobalt_url="https://cobalt.example:8443/below")

    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'nonce-abc'",
        "style-src": "'nonce-abc'",
        "img-src": "'self' data: https:",
        "font-src": "'self'",
        "connect-src": "'self' https://cobalt.example:8443",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
    }


#: What is read on what, by the variables of the style; the last two are what a control and the focus are seen by.
PAIRS = [
    *(("--cm-text", under, 4.5) for under in ("--cm-background", "--cm-surface")),
    *(("--cm-muted", under, 4.5) for under in ("--cm-background", "--cm-surface")),
    *((f"--cm-{tone}", "--cm-surface", 4.5) for tone in ("ok", "warning", "danger")),
    ("--cm-accent", "--cm-background", 4.5),
    ("--cm-accent-text", "--cm-accent", 4.5),
    ("--cm-danger-text", "--cm-danger", 4.5),
    ("--cm-muted", "--cm-background", 3.0),
    ("--cm-focus", "--cm-surface", 3.0),
]


@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
def test_everything_can_be_read(look: int) -> None:
    """The contrasts that WCAG 2.2 asks for at level AA."""
    style = Assets().by_name["style.css"].content.decode()
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[look]
    colours = dict(re.findall(r"(--cm-[a-z-]+): (#[0-9a-f]{6});", block))

    contrasts = {(above, under): (contrast(colours[above], colours[under]), least) for above, under, least in PAIRS}
    assert {pair: each for pair, (each, least) in contrasts.items() if each < least} == {}


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
