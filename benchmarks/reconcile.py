"""The cost of a reconciliation: calls, time, memory, rows that it must not touch; and whether it finds differences.

Each pass is a process of its own, so that its peak memory is its own: `python -m benchmarks.reconcile URL ACCOUNTS`
makes one and prints what it measured. Cobalt's answers are made up one by one, so no stand-in takes memory or much
time. A third of the accounts are connected to a custom application. No rate limit holds.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
from sqlalchemy import Engine, event

from benchmarks.figures import Figure, at_least, at_most
from benchmarks.place import Say, migrated_database
from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile import Options, Reconciliation
from cobalt_mirror.workers.reconcile.calls import CallCounter
from cobalt_mirror.workers.settings import Settings

SMALL, LARGE = 10_000, 100_000
PAGE = 100
#: A statement that writes to the mirror or its history, which on PostgreSQL may be written beside the change feed.
_WRITE = re.compile(
    r"(?:WITH \w+ AS\s+\()?"
    r"(?:INSERT INTO|UPDATE|DELETE FROM) (?:\w+\.)?(linked_accounts|connections|configs|applications|history)\b"
)
MOMENT = "2026-01-31T12:00:00.000Z"
#: The applications, by the `app_id` with which the listing names a custom one; None for one of Cobalt's own.
APPLICATIONS = {"slack": None, "hubspot": None, "order_desk": "0" * 23 + "1"}
#: In a pass with changes: an account whose connection to Slack expired, one with an application that the catalogue
#: does not have, and the id of that.
EXPIRED, UNKNOWN, UNKNOWN_ID = 4_321, 8_642, "0" * 23 + "2"


class Listing(httpx.BaseTransport):
    """A transport for a Cobalt with so many accounts, each with two connections; it serves only what a run reads.

    Args:
        accounts: Number of accounts.
        is_changed: Whether two of them are not as they were: `EXPIRED` and `UNKNOWN`.
    """

    def __init__(self, accounts: int, *, is_changed: bool = False) -> None:
        self._accounts, self._is_changed = accounts, is_changed

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one page of the listing, the catalogue, one application, or no configs."""
        if "page" in request.url.params:
            return self._page(request)
        path = request.url.path
        if path.endswith("/configs"):
            return httpx.Response(200, json=[], request=request)
        if path.endswith("/application"):
            return httpx.Response(200, json=[_application(slug) for slug in APPLICATIONS], request=request)
        expired = {"reauth_required": self._is_changed, "connected": True, "connected_accounts": [_connected_account()]}
        return httpx.Response(200, json={**_application(path.rpartition("/")[2]), **expired}, request=request)

    def _page(self, request: httpx.Request) -> httpx.Response:
        page, limit = int(request.url.params["page"]), min(int(request.url.params["limit"]), PAGE)
        numbers = range((page - 1) * limit, min(page * limit, self._accounts))
        document = {
            "docs": [_account(number, is_changed=self._is_changed) for number in numbers],
            "totalDocs": self._accounts,
            "limit": limit,
            "page": page,
            "hasNextPage": page * limit < self._accounts,
        }
        return httpx.Response(200, content=json.dumps(document).encode(), request=request)


def _application(slug: str) -> dict[str, Any]:
    kind = slug if APPLICATIONS[slug] is None else "custom"
    return {"slug": slug, "name": slug.title(), "type": kind, "app_id": APPLICATIONS[slug], "auth_type": "oauth2"}


def _connected_account() -> dict[str, Any]:
    return {"identifier": "somebody@example.com", "auth_type": "oauth2", "connectedAt": MOMENT}


def _account(number: int, *, is_changed: bool) -> dict[str, Any]:
    second = "hubspot" if number % 3 else "order_desk"
    integrations = [
        _integration(number, "slack", APPLICATIONS["slack"]),
        _integration(number, second, APPLICATIONS[second]),
    ]
    if is_changed and number == EXPIRED:
        integrations[0]["reauth_required"] = True
    if is_changed and number == UNKNOWN:
        integrations.append(_integration(number, "unknown", UNKNOWN_ID))
    return {
        "_id": f"{number:024x}",
        "associated_org": "org",
        "account_id": f"customer-{number:07}",
        "environment": "test",
        "name": f"Customer {number}",
        "udf": [{"key_name": "plan", "key_value": "pro"}, {"key_name": "seats", "key_value": str(number % 100)}],
        "integrations": integrations,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "__v": 0,
    }


def _integration(number: int, slug: str, app_id: str | None) -> dict[str, Any]:
    return {
        "_id": f"{number:024x}",
        "type": slug if app_id is None else "custom",
        "app_id": app_id,
        "name": slug.title(),
        "icon": f"https://icons.example.com/{slug}.svg",
        "identifier": f"customer-{number}@{slug}.example.com",
        "reauth_required": False,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
    }


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Import a small and a large listing, and reconcile each again; the small one once more after two changes."""
    small, changed = _small_passes(database, say)
    large = _idle_pass(database, LARGE, say)
    pages = LARGE // PAGE
    calls = large["calls"] / pages
    yield Figure(
        name=f"idle reconcile of {LARGE:,} accounts, calls",
        database=database,
        value=calls,
        unit="x",
        against=f"{pages:,} pages of the listing",
        **at_most(1.01, calls, database),
        detail={f"{SMALL:,} accounts": small, f"{LARGE:,} accounts": large},
    )
    rate = large["accounts a second"]
    name = f"idle reconcile of {LARGE:,} accounts, no limit"
    yield Figure(name=name, database=database, value=rate, unit="accounts/s", **at_least(2_000, rate, database))
    yield Figure(
        name=f"idle reconcile of {LARGE:,} accounts, rows of the mirror updated",
        database=database,
        value=large["rows written"],
        unit="rows",
        **at_most(0, large["rows written"], database),
    )
    memory = large["peak memory MB"] / small["peak memory MB"]
    yield Figure(
        name=f"peak memory of an idle reconcile, {LARGE:,} accounts",
        database=database,
        value=memory,
        unit="x",
        against=f"{SMALL:,} accounts",
        **at_most(1.25, memory, database),
        detail={f"{SMALL:,} accounts MB": small["peak memory MB"], f"{LARGE:,} accounts MB": large["peak memory MB"]},
    )
    cpu = large["CPU s per 1,000"]
    yield Figure(name="idle reconcile, CPU per 1,000 accounts", database=database, value=cpu, unit="s")
    # One of the catalogue; for both connections of the account where one expired, the connection and its configs.
    extra = changed["calls"] - SMALL // PAGE
    yield Figure(
        name=f"reconcile of {SMALL:,} accounts, one connection expired and one of an unknown application, calls",
        database=database,
        value=extra,
        unit="calls",
        against=f"beyond the {SMALL // PAGE:,} pages",
        **at_most(5, extra, database),
        detail={"idle": small, "changed": changed},
    )


def _small_passes(database: str, say: Say) -> tuple[dict[str, Any], dict[str, Any]]:
    with migrated_database(database) as url:
        say(f"an import of {SMALL:,} accounts")
        _pass_of_its_own(url, SMALL)
        say(f"an idle pass over {SMALL:,} accounts")
        idle = _pass_of_its_own(url, SMALL)
        say(f"a pass over {SMALL:,} accounts with two changes")
        return idle, _pass_of_its_own(url, SMALL, "changed")


def _idle_pass(database: str, accounts: int, say: Say) -> dict[str, Any]:
    with migrated_database(database) as url:
        say(f"an import of {accounts:,} accounts")
        assert _pass_of_its_own(url, accounts)["rows written"] >= accounts  # noqa: S101 - so they are counted
        say(f"an idle pass over {accounts:,} accounts")
        return _pass_of_its_own(url, accounts)


def _pass_of_its_own(url: str, accounts: int, *changed: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.reconcile", url, str(accounts), *changed]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def one_pass(url: str, accounts: int, *, is_changed: bool = False) -> dict[str, Any]:
    """Reconcile once in this process and measure it."""
    settings = Settings(database_url=url, cobalt_api_key="tk_x", reconcile_config_share=0)
    engine, counter = create_engine(settings), CallCounter()
    written, transport = _count_writes(engine), Listing(accounts, is_changed=is_changed)
    with Client("tk_x", base_url="http://cobalt.test", transport=transport, governor=counter) as client:
        reconciliation = Reconciliation(
            attempts=Attempts(engine=engine, client=client, settings=settings, vault=settings.vault()),
            catalogue=Catalogue(engine=engine, client=client, settings=settings),
            calls=counter,
        )
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        report = reconciliation.run(Options())
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    engine.dispose()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "ending": report.ending.name.lower(),
        "calls": report.run.calls,
        "adopted": report.run.adopted,
        "repaired": report.run.repaired,
        "left": report.run.left,
        "unmapped": report.run.unmapped,
        "rows written": written.total(),
        "accounts a second": round(accounts / took),
        "CPU s per 1,000": round(cpu / accounts * 1_000, 3),
        "memory before MB": round(before.ru_maxrss / 1024, 1),
        "peak memory MB": round(after.ru_maxrss / 1024, 1),
    }


def _count_writes(engine: Engine) -> Counter[str]:
    """Count the rows of the mirror and its history that this process writes from now on, by table."""
    counted: Counter[str] = Counter()

    def after(_connection: object, cursor: Any, statement: str, *_rest: object) -> None:
        match = _WRITE.match(statement)
        if match:
            counted[match[1]] += max(cursor.rowcount, 1)

    event.listen(engine, "after_cursor_execute", after)
    return counted


if __name__ == "__main__":
    print(json.dumps(one_pass(sys.argv[1], int(sys.argv[2]), is_changed="changed" in sys.argv[3:])))  # noqa: T201 - the benchmark reads this
