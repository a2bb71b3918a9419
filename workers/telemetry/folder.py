"""The folder in which the processes of one worker keep their numbers, so that each of them can serve the sum.

`prometheus_client` has a file for each process there, and never deletes one. So a folder belongs to one port: the
worker that serves there empties it when it starts, whatever a killed one left in it, and removes it when it ends.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from cobalt_mirror.workers.errors import NotReady

#: The variable by which `prometheus_client` knows the folder when it is imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "cobalt-mirror-metrics-"


def make_empty_folder(port: int) -> Path:
    """Make the folder of a port, or empty it.

    Raises:
        NotReady: Another user has something of that name, or the folder cannot be written. The text says where.
    """
    folder = Path(tempfile.gettempdir(), f"{_PREFIX}{os.getuid()}-{port}")
    try:
        if _is_ours(folder):
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)  # fails if somebody has put a link or a folder there, which is not followed
    except OSError as error:
        raise NotReady(
            f"the folder for the numbers of the worker cannot be made at {folder} ({error.strerror}); remove what is "
            "there, or set TMPDIR"
        ) from error
    return folder


def remove_folder() -> None:
    """Remove the folder of this process's environment, if it is one of ours."""
    folder = Path(os.environ.get(VARIABLE, ""))
    if folder.name.startswith(_PREFIX) and _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Tell whether it is a folder of this user's, and no link to one."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
