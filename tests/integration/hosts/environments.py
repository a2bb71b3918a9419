"""Environments of hosts: virtual environments with libraries of their own, into which we are installed as documented.

The host's libraries are installed once and kept in `.venv/hosts`, so a second run of the tests needs no package index.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from fasteners import InterProcessLock  # type: ignore[import-untyped]

#: Where the environments are kept. `make clean` removes them with `.venv`.
_KEPT = Path(sys.prefix, "hosts")
_VERSIONS = "import importlib.metadata as m; print(*(f'{d.name.lower()}=={d.version}' for d in m.distributions()))"
#: What a host's environment has of ours; the rest of the environment stays out of a program's way.
_OURS = ("COBALT_", "DATABASE_URL", "MIRROR_", "PYTHON", "REDIS_")


@dataclass(frozen=True, slots=True)
class Environment:
    """A host's virtual environment."""

    folder: Path

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.folder / "bin" / "python")

    def run(self, program: str, *arguments: str, folder: Path | None = None, **variables: str) -> str:
        """Run a program of the host's and return what it printed; fail if it fails."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        ended = subprocess.run(
            [self.python, "-c", program, *arguments],
            cwd=folder,
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip()

    def versions(self) -> dict[str, str]:
        """Return what is installed, by name."""
        pairs = (each.partition("==") for each in self.run(_VERSIONS).split())
        return {name: version for name, _, version in pairs if name != "cobalt-mirror"}

    def install(self, *requirements: str) -> None:
        """Install as `pip install` does: what is there stays, unless a requirement excludes it."""
        _succeed([*_installer(self), *requirements])

    def copy_to(self, folder: Path) -> "Environment":
        """Return a copy, which a test may change."""
        shutil.copytree(self.folder, folder, symlinks=True, copy_function=_link)
        return Environment(folder)


def kept_environment(name: str, requirements: Sequence[str]) -> Environment:
    """Return an environment with a host's libraries, not to be changed; skip the test if there is no package index."""
    mark = hashlib.sha256(" ".join([sys.version, *requirements]).encode()).hexdigest()[:12]
    environment = Environment(_KEPT / f"{name}-{mark}")
    is_ready = environment.folder / "is-ready"
    _KEPT.mkdir(exist_ok=True)
    with InterProcessLock(_KEPT / f"{name}.lock"):  # tests that run beside each other want the same one
        if not is_ready.exists():
            shutil.rmtree(environment.folder, ignore_errors=True)
            _make(environment)
            try:
                environment.install(*requirements)
            except AssertionError:
                if _index_answers(environment):
                    raise
                pytest.skip("no package index answers, and this host's libraries are not kept from an earlier run")
            is_ready.touch()
    return environment


def _make(environment: Environment) -> None:
    base = str(Path(sysconfig.get_config_var("BINDIR"), f"python{sysconfig.get_python_version()}"))
    if uv := _uv():
        _succeed([uv, "venv", "--quiet", "--python", base, str(environment.folder)])
    else:
        without_pip = ["--without-pip"] if _has_pip() else []
        _succeed([base, "-m", "venv", *without_pip, str(environment.folder)])


def _installer(environment: Environment) -> list[str]:
    """Return the command, which compiles nothing: of most libraries a host's program imports a small part."""
    if uv := _uv():
        return [uv, "pip", "install", "--quiet", "--no-compile-bytecode", "--python", environment.python]
    pip = (
        [sys.executable, "-m", "pip", "--python", environment.python]
        if _has_pip()
        else [environment.python, "-m", "pip"]
    )
    return [*pip, "install", "--quiet", "--no-compile", "--disable-pip-version-check", "--retries", "1"]


def _link(source: str, target: str) -> None:
    """Copy a file as fast as can be. Installers replace files and do not write into them."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _has_pip() -> bool:
    """Return whether these tests' own environment has pip, which then installs into the others, too."""
    return find_spec("pip") is not None


def _uv() -> str | None:
    return shutil.which("uv")


def _index_answers(environment: Environment) -> bool:
    """Return whether a small library can be had: if so, it was not the index that failed."""
    try:
        environment.install("--reinstall" if _uv() else "--force-reinstall", "iniconfig")
    except AssertionError:
        return False
    return True


def _succeed(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert ended.returncode == 0, ended.stdout + ended.stderr
