"""The command `cobalt-mirror`, under a name that no module of a host has.

Python looks into PYTHONPATH first. There, a module called `cobalt_mirror` hides the package, and the command with it.
"""

import gc
import sys
from importlib.util import find_spec
from pathlib import Path

_OURS = Path(__file__).resolve().parent / "cobalt_mirror" / "__init__.py"


def main() -> None:
    """Run the command, or say what hides it."""
    gc.disable()  # imports leave no garbage, and looking for some takes a seventh of their time; see `load_command`
    try:
        from cobalt_mirror.workers.cli import main as run  # noqa: PLC0415
    except Exception as error:
        sys.exit(f"cobalt-mirror: {_describe(error)}")
    run()


def _describe(error: Exception) -> str:
    found = find_spec("cobalt_mirror")
    if found is not None and found.origin is not None and Path(found.origin).resolve() != _OURS:
        return f"{found.origin} hides the package cobalt_mirror; rename it, or take its folder out of PYTHONPATH"
    return f"cannot be started ({type(error).__name__}: {error}); install it again, with all that it needs"
