"""The vendor's SDK is in the package as npm has it, with its licence, and is served as a module."""

import hashlib
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
