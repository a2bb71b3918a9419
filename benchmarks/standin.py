"""The sandbox in a process of its own, filled beforehand: `python -m benchmarks.standin [ACCOUNTS]`.

Accounts come in through the API itself, without its limit and without a network: some thousands a second. Every one is
connected to Slack. The last thing it does before it serves is to print its address.
"""

import json
import sys

from cobalt_mirror.cobalt.sandbox import Sandbox, serve
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_KEYS
from cobalt_mirror.cobalt.sandbox.messages import SandboxRequest
from cobalt_mirror.cobalt.sandbox.settings import SandboxSettings

_HEADERS = {"x-api-key": DEFAULT_KEYS["test"], "content-type": "application/json"}


def filled(accounts: int) -> Sandbox:
    """Return a sandbox with so many accounts, `filled-0000000` and so on, and an empty ledger."""
    sandbox = Sandbox(settings=SandboxSettings(rate_limited=False))
    for number in range(accounts):
        account = f"filled-{number:07}"
        body = {"linked_account_id": account, "name": f"Customer {number}", "udf": {"plan": "pro"}}
        request = SandboxRequest(
            method="PUT", path="/api/v2/public/linked-account", headers=_HEADERS, body=json.dumps(body).encode()
        )
        answer = sandbox.handle(request)
        if answer.status != 200:
            raise RuntimeError(f"the sandbox refused an account: {answer.body!r}")
        sandbox.connect(account, "slack")
    sandbox.change_settings(rate_limited=True)
    sandbox.reset_ledger()
    return sandbox


def main() -> None:
    """Serve until SIGTERM."""
    sandbox = filled(int(sys.argv[1]) if sys.argv[1:] else 0)
    serve(port=0, sandbox=sandbox, on_ready=lambda url: print(url, flush=True))  # noqa: T201


if __name__ == "__main__":
    main()
