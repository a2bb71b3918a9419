"""The environment variables that point our processes at a sandbox instead of Cobalt."""

from collections.abc import Mapping

from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS


def sandbox_environment(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make a sandbox on the loopback take Cobalt's place, without a proxy between."""
    no_proxy = ",".join(filter(None, [environment.get("NO_PROXY", environment.get("no_proxy", "")), "127.0.0.1"]))
    return {
        "COBALT_BASE_URL": url,
        "COBALT_API_KEY": DEFAULT_KEYS["test"],
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
