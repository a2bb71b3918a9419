"""The cost of a reconciliation without differences: calls, time, memory, and rows that it must not touch.

Each pass is a process of its own, so that its peak memory is its own: `python -m benchmarks.reconcile URL ACCOUNTS`
makes one and prints what it measured. Cobalt's listing is made up page by page, so no stand-in takes memory or much
time. No rate limit holds.
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
#: A statement that writes to the mirror or its history.
_WRITE = re.compile(
    r"(?:INSERT INTO|UPDATE|DELETE FROM) (?:\w+\.)?(linked_accounts|connections|configs|applications|history)\b"
)
MOMENT = "2026-01-31T12:00:00.000Z"


class Listing(httpx.BaseTransport):
    """A transport for a Cobalt with so many accounts, each with two connections; it serves only the listing."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one page of the listing, or an empty catalogue."""
        if "page" not in request.url.params:
            return httpx.Response(200, json=[], request=request)
        page, limit = int(request.url.params["page"]), min(int(request.url.params["limit"]), PAGE)
        numbers = range((page - 1) * limit, min(page * limit, self._accounts))
        document = {
            "docs": [_account(number) for number in numbers],
            "totalDocs": self._accounts,
            "limit": limit,
            "page": page,
            "hasNextPage": page * limit < self._accounts,
        }
        return httpx.Response(200, content=json.dumps(document).encode(), request=request)


def _account(number: int) -> dict[str, Any]:
    return {
        "_id": f"{number:024x}",
        "associated_org": "org",
        "account_id": f"customer-{number:07}",
        "environment": "test",
        "name": f"Customer {number}",
        "udf": [{"key_name": "plan", "key_value": "pro"}, {"key_name": "seats", "key_value": str(number % 100)}],
        "integrations": [_integration(number, slug) for slug in ("slack", "hubspot")],
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "__v": 0,
    }


def _integration(number: int, slug: str) -> dict[str, Any]:
    return {
        "_id": f"{number:024x}",
        "type": slug,
        "name": slug.title(),
        "icon": f"https://icons.example.com/{slug}.svg",
        "identifier": f"customer-{number}@{slug}.example.com",
        "reauth_required": False,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
    }


def measure(database: str, say: Say) -> Iterator[Figure]:
    """Import a small and a large listing, and reconcile each again."""
    small, large = (_idle_pass(database, accounts, say) for accounts in (SMALL, LARGE))
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


def _idle_pass(database: str, accounts: int, say: Say) -> dict[str, Any]:
    with migrated_database(database) as url:
        say(f"an import of {accounts:,} accounts")
        assert _pass_of_its_own(url, accounts)["rows written"] >= accounts  # noqa: S101 - so they are counted
        say(f"an idle pass over {accounts:,} accounts")
        return _pass_of_its_own(url, accounts)


def _pass_of_its_own(url: str, accounts: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.reconcile", url, str(accounts)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def one_pass(url: str, accounts: int) -> dict[str, Any]:
    """Reconcile once in this process and measure it."""
    settings = Settings(database_url=url, cobalt_api_key="tk_x", reconcile_config_share=0)
    engine, counter = create_engine(settings), CallCounter()
    written = _count_writes(engine)
    with Client("tk_x", base_url="http://cobalt.test", transport=Listing(accounts), governor=counter) as client:
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
        "calls": report.run.calls,
        "adopted": report.run.adopted,
        "repaired": report.run.repaired,
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
    print(json.dumps(one_pass(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 - the benchmark reads this
