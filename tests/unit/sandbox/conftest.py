"""A sandbox in this process, a clock that only tests move, and plain HTTP clients."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport

# The vendor's description judges answers here as it judges requests there.
from tests.unit.cobalt.description import description

__all__ = ["description"]

PUBLIC = "/api/v2/public"
ACCOUNT = f"{PUBLIC}/linked-account"
INTEGRATION = f"{ACCOUNT}/integration"
CONFIG = f"{PUBLIC}/config"


class TestClock:
    """Stands still until it is told otherwise."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 3, 2, 1, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Api:
    """Plain calls as a backend makes them; they answer the response, whatever it is."""

    def __init__(self, sandbox: Sandbox, clock: TestClock, *, key: str = "tk_sandbox") -> None:
        self.transport = SandboxTransport(sandbox, on_latency=clock.forward)
        self.http = httpx.Client(
            transport=self.transport,
            base_url="http://cobalt.test",
            headers={"x-api-key": key},
        )

    def __call__(
        self,
        method: str,
        path: str,
        *,
        account: str | None = "acme",
        headers: dict[str, str] | None = None,
        **rest: Any,
    ) -> httpx.Response:
        about = {} if account is None else {"linked_account_id": account}
        return self.http.request(method, path, headers={**about, **(headers or {})}, **rest)

    def upsert(self, linked_account_id: str = "acme", **details: Any) -> dict[str, Any]:
        shown: dict[str, Any] = ok(self("PUT", ACCOUNT, json={"linked_account_id": linked_account_id, **details}))
        return shown

    def consent(self, slug: str = "slack", account: str = "acme", decision: str = "allow") -> httpx.Response:
        """Ask for consent and decide, as a customer's browser does."""
        address = ok(self("GET", f"{INTEGRATION}/oauth-url/{slug}", account=account))["auth_url"]
        form = dict(httpx.URL(address).params)
        return self.http.post("/consent", data={**form, "decision": decision})

    def application(self, slug: str = "slack", account: str = "acme") -> dict[str, Any]:
        shown: dict[str, Any] = ok(self("GET", f"{PUBLIC}/application/{slug}", account=account))
        return shown

    def token(self, account: str = "acme") -> str:
        answer = self("POST", f"{PUBLIC}/session-token", json={"linked_account_id": account}, account=None)
        return str(ok(answer)["token"])

    def browser(self, account: str = "acme") -> httpx.Client:
        """A client with nothing but the account's session token."""
        return httpx.Client(
            transport=self.transport,
            base_url="http://cobalt.test",
            headers={"authorization": f"Bearer {self.token(account)}"},
        )


def ok(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal in one of Cobalt's two forms."""
    body = response.json()
    key = "error_code" if "error_code" in body else "error"
    assert set(body) == {"status_code", "http_error_type", key, "message", "request_id"}
    assert body["status_code"] == response.status_code
    return response.status_code, body[key]


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def sandbox(clock: TestClock) -> Sandbox:
    return Sandbox(clock=clock, rate_limited=False)


@pytest.fixture
def api(sandbox: Sandbox, clock: TestClock) -> Api:
    """The API of the test environment, where the account `acme` exists."""
    api = Api(sandbox, clock)
    api.upsert("acme", name="Acme")
    sandbox.reset_ledger()
    return api
