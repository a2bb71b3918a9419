"""The Procfile: the processes of a running mirror, with the command of each."""

import re
from pathlib import Path

from cobalt_mirror.workers.errors import ProcfileError

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")


def find_procfile() -> Path:
    """Return the path of the Procfile: the one in the installed wheel, else the one at the top of the checkout."""
    shipped = Path(__file__).parent / "Procfile"
    return shipped if shipped.exists() else Path(__file__).resolve().parents[2] / "Procfile"


def read_procfile(path: Path) -> dict[str, str]:
    """Return the commands of a Procfile by name, in the order of its lines, without blank lines and `#` comments.

    Raises:
        ProcfileError: The file cannot be read, a line is not `name: command`, or a name comes twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ProcfileError(f"cannot read {path}: {error.strerror}") from error
    commands: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ProcfileError(f"{path}, line {number}: expected `name: command`, found {line!r}")
        if match["name"] in commands:
            raise ProcfileError(f"{path}, line {number}: {match['name']!r} is defined twice")
        commands[match["name"]] = match["command"]
    return commands
