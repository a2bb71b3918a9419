"""An application that is served over HTTP from a thread of the test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Serves an application from a thread."""

    def __init__(self, app: ASGIApp, *, has_date: bool) -> None:
        super().__init__(
            uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, date_header=has_date, ws="none")
        )
        self.is_ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.is_ready.set()


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, has_date: bool = True) -> Iterator[int]:
    """Serve an application at a port of this machine, 0 for a free one, and yield the port."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        server = _Server(app, has_date=has_date)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        assert server.is_ready.wait(60)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
