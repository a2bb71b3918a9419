"""The control API answers no other web origin: any page in a developer's browser can send requests to loopback."""

from ipaddress import ip_address

from cobalt_mirror.cobalt.sandbox.messages import Refusal, SandboxRequest

# Nobody can register a name below these, nor one without a dot, so no stranger's page is served under it.
_RESERVED = frozenset({"localhost", "test", "internal", "local"})


def check_origin(request: SandboxRequest) -> None:
    """Check that a request comes from no browser, or from a page of this sandbox.

    Raises:
        Refusal: 403 for the Origin of another page, and for a Host that is a public name: such a name may have been
            pointed at this machine (DNS rebinding), and then the browser takes its page for ours.
    """
    host = request.headers.get("host", "localhost").lower()
    if not _is_private(host):
        raise Refusal(403, "FORBIDDEN", "The control API answers to an IP address or a local name, such as localhost.")
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host}", f"https://{host}"}:
        raise Refusal(403, "FORBIDDEN", "The control API answers no page of another origin.")


def _is_private(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        labels = name.removesuffix(".").split(".")
        return len(labels) == 1 or labels[-1] in _RESERVED
    return True
