"""What makes our processes take a sandbox for Cobalt."""

from collections.abc import Mapping

from cobalt_mirror.cobalt.sandbox.knobs import DEFAULT_KEYS


def sandbox_environment(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that make a sandbox on the loopback be Cobalt, past any proxy."""
    past = ",".join(filter(None, [environment.get("NO_PROXY", environment.get("no_proxy", "")), "127.0.0.1"]))
    return {
        "COBALT_BASE_URL": url,
        "COBALT_API_KEY": DEFAULT_KEYS["test"],
        "NO_PROXY": past,
        "no_proxy": past,
    }
