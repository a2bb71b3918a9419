"""The page's script, its style and the vendor's SDK, served from the package: no CDN is asked."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
#: The vendor's browser SDK as npm has it: @cobaltio/cobalt-js 8.0.0. Its licence lies beside it.
BUNDLED_SDK = _FOLDER / "vendor" / "cobalt.js"
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
#: How a line of an ES module begins that exports something.
_EXPORT = re.compile(r"^export[ {]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    content: bytes
    media_type: str


class Assets:
    """The files that the page needs, read once."""

    def __init__(self, sdk: Path | None = None) -> None:
        """Read them.

        Args:
            sdk: another file of the vendor's SDK than the bundled one, such as `refold.js` of `@refoldai/refold-js`.

        Raises:
            OSError: there is no such file.
        """
        source = (BUNDLED_SDK if sdk is None else sdk).read_text("utf-8")
        self.by_name = {
            "page.js": Asset((_FOLDER / "page.js").read_bytes(), _SCRIPT),
            "cards.js": Asset((_FOLDER / "cards.js").read_bytes(), _SCRIPT),
            "connecting.js": Asset((_FOLDER / "connecting.js").read_bytes(), _SCRIPT),
            "settings.js": Asset((_FOLDER / "settings.js").read_bytes(), _SCRIPT),
            "sdk.js": Asset(as_module(source).encode(), _SCRIPT),
            "style.css": Asset((_FOLDER / "style.css").read_bytes(), _STYLE),
        }

    @cached_property
    def digest(self) -> str:
        """Return what changes with any of the files: part of their addresses, so that browsers may keep them."""
        content = b"".join(each.content for each in self.by_name.values())
        return hashlib.sha256(content).hexdigest()[:16]


def as_module(source: str) -> str:
    """Return the SDK as an ES module that exports its class, `Cobalt` or `Refold`; npm has it as CommonJS."""
    if _EXPORT.search(source):
        return source
    return (
        "const module = { exports: {} };\n"
        f"(function (exports) {{\n{source}\n}})(module.exports);\n"
        "export const Cobalt = module.exports.Cobalt;\nexport const Refold = module.exports.Refold;\n"
    )
