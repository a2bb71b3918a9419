"""The sandbox as an HTTP server, on a thread for tests or in the foreground for the command line."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

import uvicorn

from cobalt_mirror.cobalt.sandbox.asgi import HangUpProtocol, OnCall, application
from cobalt_mirror.cobalt.sandbox.courier import Courier
from cobalt_mirror.cobalt.sandbox.sandbox import Sandbox

_KEEP_ALIVE_SECONDS = 75
_SHUTDOWN_SECONDS = 1


class _Uvicorn(uvicorn.Server):
    """A server that reports when it is ready, and ends quietly at SIGINT and SIGTERM instead of raising them again."""

    def __init__(self, sandbox: Sandbox, on_ready: Callable[[], None], on_call: OnCall | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                application(sandbox, on_call=on_call),
                http=HangUpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `on_ready`."""
        await super().startup(sockets=sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and restore the handlers."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self.should_exit = True


class SandboxServer:
    """A context manager that serves a sandbox over HTTP on a thread.

    Args:
        sandbox: The sandbox to serve; default a new one.
        host: Address to listen on. Keep it on the loopback: the control API needs no key.
        port: Port to listen on; 0 for a free one.
    """

    def __init__(self, sandbox: Sandbox | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = Sandbox() if sandbox is None else sandbox
        self._address = (host, port)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        """The server's URL without a trailing slash; only inside the `with` block."""
        return _url(self._socket)

    def __enter__(self) -> "SandboxServer":
        """Start serving.

        Raises:
            OSError: The address is in use.
        """
        self._socket = _listen(*self._address)
        self._uvicorn = _Uvicorn(self.sandbox, self._ready.set)
        self._courier = Courier(self.sandbox)
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        self._courier.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and delivering notifications; the sandbox's state stays."""
        self._courier.stop()
        self._uvicorn.should_exit = True
        self._thread.join()
        self._socket.close()
        self._ready.clear()


def serve(
    host: str = "127.0.0.1",
    port: int = 8474,
    *,
    sandbox: Sandbox | None = None,
    on_ready: Callable[[str], None] | None = None,
    on_call: OnCall | None = None,
) -> None:
    """Serve a sandbox in the foreground until SIGINT or SIGTERM.

    Args:
        host: Address to listen on. Keep it on the loopback: the control API needs no key.
        port: Port to listen on; 0 for a free one.
        sandbox: The sandbox to serve; default a new one.
        on_ready: Called with the URL once it listens.
        on_call: Called after each call of the API with its row in the ledger and its milliseconds.

    Raises:
        OSError: The address is in use.
    """
    state = Sandbox() if sandbox is None else sandbox
    with contextlib.closing(_listen(host, port)) as listening:
        courier = Courier(state)

        def ready() -> None:
            courier.start()
            if on_ready is not None:
                on_ready(_url(listening))

        try:
            _Uvicorn(state, ready, on_call).run(sockets=[listening])
        finally:
            courier.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it every answer waits 40 ms for an ACK
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
