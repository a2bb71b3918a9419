"""The control API answers no other web origin, and no public name that was pointed at this machine."""

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.messages import SandboxRequest

#: Host, Origin, and whether it is answered.
REQUESTS = [
    (None, None, True),
    ("127.0.0.1:8474", None, True),
    ("127.0.0.1:8474", "http://127.0.0.1:8474", True),
    ("127.0.0.1:8474", "http://127.0.0.1:3000", False),
    ("127.0.0.1:8474", "http://localhost:8474", False),
    ("localhost:8474", "http://LOCALHOST:8474", True),
    ("localhost:8474", "https://evil.example", False),
    ("localhost:8474", "null", False),
    ("localhost:8474", "", False),
    ("[::1]:8474", "http://[::1]:8474", True),
    ("sandbox:8474", None, True),  # as containers call each other
    ("cobalt.test", None, True),
    ("host.docker.internal:8474", None, True),
    ("evil.example:8474", "http://evil.example:8474", False),  # DNS rebinding
    ("evil.example:8474", None, False),
    ("127.0.0.1.evil.example", None, False),
    ("localhost.evil.example", None, False),
]


@pytest.mark.parametrize(("host", "origin", "is_answered"), REQUESTS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/_sandbox/state"), ("POST", "/_sandbox/reset")])
def test_only_its_own_origin_and_local_names_are_answered(
    method: str, path: str, *, host: str | None, origin: str | None, is_answered: bool
) -> None:
    headers = {name: value for name, value in (("host", host), ("origin", origin)) if value is not None}
    answer = Sandbox().handle(SandboxRequest(method=method, path=path, headers=headers))

    assert answer.status == (200 if is_answered else 403)
