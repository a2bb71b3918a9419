"""Serves the HTTP application of ours as a process of its own, until a signal stops it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.applications import Starlette

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers import logs
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.heartbeat import Heartbeat
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.web import create_app

#: How long open requests may still take after SIGTERM.
_SHUTDOWN_SECONDS = 10


def serve_web(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Serve HTTP until SIGTERM or Ctrl-C.

    Args:
        settings: the settings in force.
        say: takes a line for people.

    Raises:
        BadSetting: PORT is no port. Correct it, or set WEB_PORT.
        NotReady: The address or port cannot be used. The text says what to correct.
    """
    logs.configure(settings.log_level, settings.log_format)
    engine = create_engine(settings)
    heartbeat = Heartbeat(ProcessKind.WEB, engine)
    with closing(listen(settings, settings.listening_host)) as listening:
        server = _Server(
            create_app(settings, engine=engine),
            lambda: say(f"web listens at {address_of(listening)}; Ctrl-C stops it"),
        )
        heartbeat.start()
        with stop_on_signal(server.stop):
            server.run(sockets=[listening])
    heartbeat.stop()
    engine.dispose()


class _Server(uvicorn.Server):
    """A server that reports when it is ready and leaves signals to us, so that SIGTERM is not an error."""

    def __init__(self, app: Starlette, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._on_ready = on_ready
        self._stopping: threading.Event = app.state.stopping

    def stop(self) -> None:
        """Finish open requests, then stop."""
        self._stopping.set()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `on_ready`."""
        await super().startup(sockets=sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signal handlers as they are."""
        yield


def listen(settings: Settings, host: str) -> socket.socket:
    """Return a listening socket at this address and at WEB_PORT, or PORT.

    Raises:
        BadSetting: PORT is no port. Correct it, or set WEB_PORT.
        NotReady: The address or port cannot be used. The text says what to correct.
    """
    port = settings.require_port()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise NotReady(
            f"cannot listen at {host}, port {port} ({error.strerror}); correct WEB_HOST or {settings.port_variable}"
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it every answer waits 40 ms for an ACK
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket, as this machine reaches it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
