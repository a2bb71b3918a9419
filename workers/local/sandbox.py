"""A sandbox on this machine: how it is made, the file that keeps its data, and what points our processes at it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxSettings
from cobalt_mirror.cobalt.sandbox.catalogue_file import CatalogueError, read_catalogue
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS
from cobalt_mirror.cobalt.sandbox.keeper import STATE_FILE, Keeper
from cobalt_mirror.cobalt.sandbox.saving import UnusableState
from cobalt_mirror.db.settings import EMBEDDED_DATABASE, DatabaseSettings
from cobalt_mirror.workers.errors import NotReady


def sandbox_environment(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make a sandbox on the loopback take Cobalt's place, without a proxy between."""
    no_proxy = ",".join(filter(None, [environment.get("NO_PROXY", environment.get("no_proxy", "")), "127.0.0.1"]))
    return {
        "COBALT_BASE_URL": url,
        "COBALT_API_KEY": DEFAULT_KEYS["test"],
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def make_sandbox(catalogue: Path | None, *, seed: int = 0, settings: SandboxSettings | None = None) -> Sandbox:
    """Return a sandbox with the catalogue of a file, or with its own.

    Raises:
        NotReady: The file cannot be read. The text names the place in it.
    """
    try:
        return Sandbox(seed=seed, settings=settings, catalogue=None if catalogue is None else read_catalogue(catalogue))
    except CatalogueError as error:
        raise NotReady(str(error)) from None


def state_file(settings: DatabaseSettings) -> Path:
    """Return the file that keeps a sandbox's data: beside the SQLite database, else in var/."""
    url = settings.url()
    folder = Path(url.database).parent if url.drivername.startswith("sqlite") and url.database else None
    return (EMBEDDED_DATABASE.parent if folder is None else folder) / STATE_FILE


def load_state(sandbox: Sandbox, file: Path, *, fresh: bool) -> tuple[Keeper, bool]:
    """Give a sandbox the data of a file, unless it shall begin afresh.

    Returns:
        What keeps the file from now on (see `keeping`), and whether the sandbox begins with data of an earlier one.

    Raises:
        NotReady: The file cannot be used. The text names it, and says how to begin without it.
    """
    keeper = Keeper(sandbox, file)
    try:
        return keeper, not fresh and keeper.load()
    except UnusableState as error:
        raise NotReady(f"{error}; begin without its data with --fresh") from None
    except OSError as error:
        raise NotReady(f"{file} cannot be read: {error.strerror}") from error


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Save a sandbox's data while the block runs, and at its end. Enter it when the sandbox serves.

    Raises:
        NotReady: The file cannot be written, or another sandbox keeps it.
    """
    with _naming(keeper.file):
        keeper.start()
    try:
        yield
    finally:
        with _naming(keeper.file):
            keeper.stop()


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise NotReady(f"another sandbox keeps its data in {file}; stop that one first") from error
    except OSError as error:
        raise NotReady(f"{file} cannot be written: {error.strerror}") from error
