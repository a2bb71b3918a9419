"""The npm packages that the app needs, exactly as package-lock.json has them."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


class NoPackages(Exception):
    """Node or npm is not there, or npm cannot fetch them. The text says what to do."""


def fetch_packages() -> None:
    """Run `npm ci`, unless what is there is what the lock has.

    Raises:
        NoPackages: that cannot be.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NoPackages("node and npm are not on PATH; install Node 20 or newer (https://nodejs.org)")
    lock, fetched = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if fetched.exists() and fetched.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = [npm, "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603 - all is ours
    if done.returncode != 0:
        raise NoPackages(f"`npm ci` in examples/node fails: {(done.stderr.splitlines() or ['it says nothing'])[0]}")
