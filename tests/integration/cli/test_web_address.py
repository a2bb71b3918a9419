"""Where `web` listens on a platform that sets PORT. Which variable decides is in tests/unit/test_settings.py."""

import re

import httpx
import pytest

from tests.commands import Shell, read_until


@pytest.mark.parametrize(("variables", "host"), [({}, "0.0.0.0"), ({"WEB_HOST": "127.0.0.1"}, "127.0.0.1")])
def test_a_platform_that_sets_port_reaches_web_from_outside(
    mirror: Shell, variables: dict[str, str], host: str
) -> None:
    settings = {"COBALT_API_KEY": "tk_sandbox", "WEB_PORT": "", "PORT": "0", **variables}
    with mirror.start("web", **settings) as web:
        [(listens_at, port)] = re.findall(r"http://(\S+):(\d+)", read_until(web, "listens"))

        assert listens_at == host
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
