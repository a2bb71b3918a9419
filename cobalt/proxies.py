"""The proxy that the environment names for an address, as httpx itself would find it."""

from importlib.util import find_spec
from urllib.request import getproxies, proxy_bypass

import httpx

from cobalt_mirror.addresses import checked_address

_SCHEMES = ("http://", "https://", "socks5://", "socks5h://")


def find_proxy(base_url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy for an address by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; None: there is none.

    Raises:
        ValueError: It cannot be used. The text names the variable and nothing of its value, which may be a password.
    """
    proxies = getproxies()
    name = base_url.scheme if proxies.get(base_url.scheme) else "all"
    address = proxies.get(name)
    if not address or proxy_bypass(base_url.netloc.decode()):
        return None
    try:
        return _read_proxy(address if "://" in address else f"http://{address}")
    except ValueError as error:
        raise ValueError(f"{name.upper()}_PROXY: {error}") from None


def _read_proxy(address: str) -> httpx.Proxy:
    if not address.startswith(_SCHEMES):
        raise ValueError(f"must begin with {', '.join(_SCHEMES[:-1])} or {_SCHEMES[-1]}")
    if address.startswith("socks") and find_spec("socksio") is None:
        raise ValueError("a SOCKS proxy needs a package that is not installed; run `pip install 'httpx[socks]'`")
    checked_address(address)
    try:
        proxy = httpx.Proxy(address)
    except httpx.InvalidURL:
        proxy = None
    if proxy is None or not proxy.url.host:
        raise ValueError("must be a URL such as http://proxy.example.com:3128")
    return proxy
