"""One account at the sandbox, and attempts at its connection whose calls can be watched."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import httpx

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.findings import Findings
from tests.unit.entries import ACCOUNT, NOON, removed
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.subjects import findings

#: Connects once for each of its auth types; holds several connections, each with an id.
TYPES, SEVERAL = "jira", "xero"
READ, ACCOUNT_READ = "read", "read the account"


class Watched(httpx.BaseTransport):
    """Notes every call in a word, and lets something happen after the first DELETE."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = SandboxTransport(sandbox)
        self.calls: list[str] = []
        self.after_delete: Callable[[], object] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        response = self._inner.handle_request(request)
        self.calls.append(_word(request))
        if request.method == "DELETE" and self.after_delete is not None:
            self.after_delete()
            self.after_delete = None
        return response


def _word(request: httpx.Request) -> str:
    query = {name: value for name, value in request.url.params.items() if name != "linked_account_id"}
    if request.method == "GET":
        return ACCOUNT_READ if "/linked-account/" in request.url.path else READ
    return " ".join([request.method, *query.values()])


class Stage:
    """One account at Cobalt, and attempts at its connection."""

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self.sandbox, self.clock = sandbox, clock
        self.wire = Watched(sandbox)
        self.client = Client("tk_sandbox", base_url="http://sandbox", transport=self.wire)
        self.client.upsert_account(ACCOUNT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()

    def connect(self, slug: str, second: float, **how: Any) -> str:
        self.clock.second = second
        return self.sandbox.connect(ACCOUNT, slug, **how) or ""

    def renew(self, slug: str, second: float, **which: Any) -> None:
        self.clock.second = second
        self.sandbox.renew_token(ACCOUNT, slug, **which)

    def attempt(self, slug: str, *entries: Entry, second: float, **more: Any) -> Findings:
        found = self.begin(slug, *entries, second=second, **more)
        self.handle(found)
        return found

    def begin(self, slug: str, *entries: Entry, second: float, **more: Any) -> Findings:
        return findings(*entries, second=second, slug=slug, has_multi_auth=slug == SEVERAL, **more)

    def handle(self, found: Findings) -> None:
        self.clock.second, self.wire.calls = (found.loaded.now - NOON).total_seconds(), []
        lease = Lease(linked_account_id=ACCOUNT, slug=found.loaded.slug, token="", ends=math.inf)
        handle_connection(found.loaded, Caller(self.client, lease, longest_call_seconds=1), found)

    def connected(self, slug: str) -> list[str]:
        rows = [row for row in self.sandbox.state()["connections"] if row["slug"] == slug]
        accounts = [account for row in rows for account in row["accounts"]]
        return sorted(account.get("connection_id") or account["auth_type"] for account in accounts)

    def calls(self) -> list[str]:
        return self.wire.calls


def leave(id_: str, second: float, slug: str = SEVERAL, **columns: Any) -> Entry:
    return removed(id_, second, slug=slug, **columns)


def again(entry: Entry, found: Findings, **columns: Any) -> Entry:
    """The same removal in the next attempt, with what the last one kept of it."""
    effect = found.effects.get(entry.logged.key)
    return replace(entry, logged=replace(entry.logged, effect=effect, **columns))
