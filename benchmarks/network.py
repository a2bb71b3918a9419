"""A network between us and a server: `python -m benchmarks.network HOST:PORT LONGEST_MS [SEED]`.

A TCP proxy that holds every piece of either direction up for a random time, 0 to the longest, independent of all others
but never out of order. A piece is what one read gets, so headers and body that were written one after the other are
held up one after the other. It prints its own address before it serves.
"""

import asyncio
import random
import signal
import sys
from contextlib import suppress

_PIECE_BYTES = 64 * 1024


class Network:
    """Forwards connections to one server, with delays."""

    def __init__(self, host: str, port: int, *, longest_seconds: float, seed: int) -> None:
        self._server = (host, port)
        self._longest_seconds = longest_seconds
        self._chance = random.Random(seed)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while piece := await reader.read(_PIECE_BYTES):
                await asyncio.sleep(self._chance.uniform(0, self._longest_seconds))
                writer.write(piece)
                await writer.drain()
        with suppress(OSError):
            writer.close()


async def serve(network: Network) -> None:
    """Serve on a free port of the loopback until SIGTERM."""
    server = await asyncio.start_server(network.carry, "127.0.0.1", 0)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)  # noqa: T201
    await stopped.wait()
    server.close()


def main() -> None:
    """Run the network."""
    host, _, port = sys.argv[1].rpartition(":")
    longest, seed = float(sys.argv[2]) / 1_000, int(sys.argv[3]) if sys.argv[3:] else 0
    asyncio.run(serve(Network(host, int(port), longest_seconds=longest, seed=seed)))


if __name__ == "__main__":
    main()
