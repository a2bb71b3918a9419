"""`cobalt-mirror web`: serves Cobalt's notifications, the events of other hosts, and the probes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import typer
import uvicorn

from cobalt_mirror.workers import logs
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import told_to_stop
from cobalt_mirror.workers.web import create_app

#: How long requests in hand may take to end when the process is told to stop, in seconds.
_FAREWELL_SECONDS = 10


def web() -> None:
    """Serve the HTTP doors until SIGTERM.

    POST /webhooks/cobalt takes notifications, POST /events takes CloudEvents from whoever has EVENTS_TOKEN, GET
    /healthz and GET /readyz are for load balancers. Listens at WEB_HOST and WEB_PORT.

    \b
    Example:
      WEB_HOST=0.0.0.0 WEB_PORT=8475 cobalt-mirror web
    """
    Settings.from_environment().require_key()  # without one, no notification could ever be told from a forged one
    settings = ready_for_database()
    logs.configure(settings.log_level)
    with closing(listen(settings)) as listening:
        server = _Server(
            settings, lambda: typer.echo(f"the doors are open at {address_of(listening)}; Ctrl-C closes them")
        )
        with told_to_stop(server.stop):
            server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it is up; leaves signals to us, so that being told to stop is not an error."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(settings),
                http="h11",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_FAREWELL_SECONDS,
            )
        )
        self._on_ready = on_ready

    def stop(self) -> None:
        """Finish what is in hand, then end."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing about signals."""
        yield


def listen(settings: Settings) -> socket.socket:
    """A socket at WEB_HOST and WEB_PORT.

    Raises:
        NotReady: nobody can listen there. The text says what to correct.
    """
    family = socket.AF_INET6 if ":" in settings.web_host else socket.AF_INET
    try:
        listening = socket.create_server((settings.web_host, settings.web_port), family=family)
    except OSError as error:
        raise NotReady(
            f"cannot listen at {settings.web_host}, port {settings.web_port} ({error.strerror}); "
            "correct WEB_HOST or WEB_PORT"
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it every answer waits 40 ms for an ACK
    return listening


def address_of(listening: socket.socket) -> str:
    """The URL of what is served there, for somebody on this machine."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
