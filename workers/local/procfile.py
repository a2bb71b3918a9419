"""The Procfile: which processes make up a running mirror, and the command of each."""

import re
from pathlib import Path

from cobalt_mirror.workers.errors import ProcfileError

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")


def find_procfile() -> Path:
    """The Procfile of this installation: the one shipped in the wheel, else the top level of the checkout."""
    shipped = Path(__file__).parent / "Procfile"
    return shipped if shipped.exists() else Path(__file__).resolve().parents[2] / "Procfile"


def read_procfile(path: Path) -> dict[str, str]:
    """Reads the commands of a Procfile by name, in the order of its lines. Blank lines and `#` comments are skipped.

    Raises:
        ProcfileError: There is no such file, a line is not `name: command`, or a name comes twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ProcfileError(f"{path} cannot be read: {error.strerror}") from error
    commands: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ProcfileError(f"{path}, line {number}: expected `name: command`, found {line!r}")
        if match["name"] in commands:
            raise ProcfileError(f"{path}, line {number}: {match['name']!r} comes a second time")
        commands[match["name"]] = match["command"]
    return commands
