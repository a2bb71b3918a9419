"""Keep the state of a sandbox in a file, so that it survives a restart."""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from cobalt_mirror.cobalt.sandbox.controls import Controls
from cobalt_mirror.cobalt.sandbox.saving import UnusableState

STATE_FILE = "sandbox.json"
_SAVE_SECONDS = 0.5


class Keeper:
    """Loads a sandbox's state from a file, saves it half a second after a change, and at the end.

    Args:
        sandbox: The sandbox.
        file: The file. Only its owner may read it, since it has credentials and session tokens.
    """

    def __init__(self, sandbox: Controls, file: Path) -> None:
        self.file = file
        self._sandbox = sandbox
        self._lock: IO[bytes] | None = None
        self._saved_requests = -1
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-keeper", daemon=True)

    def load(self) -> bool:
        """Load the state, before anything is served.

        Returns:
            Whether there was a file.

        Raises:
            UnusableState: The file cannot be used. The text names it.
            OSError: The file cannot be read.
        """
        try:
            saved_state = self.file.read_bytes()
        except FileNotFoundError:
            return False
        try:
            self._sandbox.restore(saved_state)
        except UnusableState as error:
            raise UnusableState(f"{self.file} cannot be used: {error}") from None
        return True

    def start(self) -> None:
        """Save the state, and begin to save its changes.

        Raises:
            BlockingIOError: Another sandbox keeps this file.
            OSError: The file cannot be written.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self.file.with_name(f".{self.file.name}.lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._save()
        self._thread.start()

    def stop(self) -> None:
        """Save the state for the last time.

        Raises:
            OSError: The file cannot be written; it has the state of the last time that it could.
        """
        self._stopped.set()
        self._thread.join()
        try:
            self._save()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _run(self) -> None:
        while not self._stopped.wait(_SAVE_SECONDS):
            if self._sandbox.requests_handled != self._saved_requests:
                with suppress(OSError):  # such as a full disk: the next round tries again
                    self._save()

    def _save(self) -> None:
        handled, state = self._sandbox.requests_handled, self._sandbox.saved_state()
        new = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as writing:
            writing.write(state)
        new.replace(self.file)
        self._saved_requests = handled
