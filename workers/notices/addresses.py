"""Connections to public addresses only: a name is looked up once, and its addresses are checked before connecting."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence

import httpcore

#: How IPv6 writes an address of IPv4 that a gateway translates (RFC 6052).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")

#: Returns the addresses of a host.
Resolve = Callable[[str, int], Sequence[str]]


class AddressRefused(httpcore.ConnectError):
    """A name has an address that is not public. Nothing was connected to."""


def resolve(host: str, port: int) -> list[str]:
    """Look up the addresses of a host.

    Raises:
        httpcore.ConnectError: It has none.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("its name was not found") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def is_public(address: str) -> bool:
    """Return whether an address is of the internet, not of a private network, this machine or a cloud itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:  # of old private networks; Python takes it for global
            return False
    special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not special


class PublicBackend(httpcore.NetworkBackend):
    """A network backend that connects to addresses that it has checked itself.

    If one address of a name is not public, none is taken. The name is not looked up a second time, so its name server
    cannot give one address to the check and another to the connection. Certificates are checked for the name.

    Args:
        backend: Connects to an address.
        allows_private: Whether addresses that are not public are allowed, too.
        resolve: Looks up a name.
    """

    def __init__(
        self, backend: httpcore.NetworkBackend, *, allows_private: bool = False, resolve: Resolve = resolve
    ) -> None:
        self._backend, self._allows_private, self._resolve = backend, allows_private, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers.

        Raises:
            AddressRefused: One of them is not public.
            httpcore.ConnectError: None answers.
        """
        addresses = self._resolve(host, port)
        refused = [address for address in addresses if not (self._allows_private or is_public(address))]
        if refused:
            raise AddressRefused(
                f"its name leads to {refused[0]}, which is no public address; allow that with "
                "NOTICES_ALLOW_PRIVATE_ADDRESSES=true if the server is your own"
            )
        error: Exception = httpcore.ConnectError("its name was not found")
        for address in addresses:
            try:
                return self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                error = failure
        raise error
